/**
 * The bin of a value in Circonus' log-linear histograms: two decimal digits and a power of ten.
 * @returns as HTTPTraps take it, `H[1.2e+06]`
 */
export function binOf(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return "H[0.0e+00]";
  const size = Math.abs(value);
  let exponent = Math.floor(Math.log10(size));
  let digits = Math.floor((size / 10 ** exponent) * 10 + 1e-9);
  if (digits > 99) {
    digits = 10;
    exponent++;
  } else if (digits < 10) {
    digits = 99;
    exponent--;
  }
  const sign = exponent < 0 ? "-" : "+";
  return `H[${value < 0 ? "-" : ""}${Math.floor(digits / 10)}.${digits % 10}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}]`;
}
