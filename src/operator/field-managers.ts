// The names under which the operator writes: the API server keeps who set which field.

/** The operator's name as the owner of the fields that it applies. */
export const FIELD_MANAGER = 'mcp-operator';
/** The owner of the annotation that makes the kubelet look at a pod. */
export const NUDGE_MANAGER = 'mcp-operator-nudge';
/** The owner of replicas that the operator leaves as they are. */
export const SCALE_MANAGER = 'mcp-operator-scale';
/** Who takes away what others have added. It sets nothing. */
export const CORRECTION_MANAGER = 'mcp-operator-correction';
/** The owner of the label of a claim that another wrote. */
export const CLAIM_LABEL_MANAGER = 'mcp-operator-claim-label';
