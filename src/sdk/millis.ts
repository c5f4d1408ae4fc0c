/** Of a timer: with a longer time it would end at once. */
export const MILLIS_MAX = 2 ** 31 - 1;
