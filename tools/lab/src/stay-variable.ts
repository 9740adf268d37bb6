/** The environment variable by which a dataplane process is told to outlive its parent. */

/** '1' for a process that stays. */
export const STAY_VARIABLE = 'WEFT_LAB_STAY'
