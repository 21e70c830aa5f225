// The codes of the errors that end the operator. Stable: none is renamed or reused.

export type OperatorErrorCode = 'ERR_LEADERSHIP_LOST' | 'ERR_OPERATOR_SETTINGS';
