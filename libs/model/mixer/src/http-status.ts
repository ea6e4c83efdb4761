const HTTP: Readonly<Record<number, number>> = {
  0: 200,
  1: 408,
  3: 400,
  4: 504,
  5: 404,
  6: 409,
  7: 403,
  8: 429,
  9: 412,
  10: 409,
  11: 400,
  12: 501,
  14: 503,
  16: 401,
};

/** Mixer's HTTP status of an rpc code. */
export function httpStatusOf(code: number): number {
  return HTTP[code] ?? 500;
}
