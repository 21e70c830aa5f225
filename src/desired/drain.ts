// How a pod ends. The times depend on each other, so they stand together.

/** The sidecar still takes new connections while the Service's endpoints change everywhere. */
export const ENDPOINT_REMOVAL_SECONDS = 5;

/** Then running requests may finish. */
export const DRAIN_SECONDS = 25;

/** The server outlives the sidecar: a request that drains still needs its upstream. */
export const SERVER_SLEEP_SECONDS = ENDPOINT_REMOVAL_SECONDS + DRAIN_SECONDS;

/** And has some time of its own to stop. */
export const GRACE_PERIOD_SECONDS = SERVER_SLEEP_SECONDS + 15;
