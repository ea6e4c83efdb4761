import { kindOf, textOf } from "./values.ts";

const VERB = /%([-+# 0]*)(\d+|\*)?(?:\.(\d+))?([a-zA-Z%])/g;
/** Wider than anything that is meant. */
const MAX_WIDTH = 10_000;

/** Go's Sprintf, for the verbs that templates use: %s %v %q %d %x %X %o %b %c %e %f %g %t %T. */
export function format(pattern: string, values: readonly unknown[]): string {
  let next = 0;
  return pattern.replace(
    VERB,
    (_, flags: string, width: string | undefined, precision: string | undefined, verb: string) => {
      if (verb === "%") return "%";
      const wide = width === "*" ? Number(values[next++]) : Number(width ?? 0);
      if (next >= values.length) return `%!${verb}(MISSING)`;
      const text = formatted(
        verb,
        values[next++],
        precision === undefined ? undefined : Math.min(Number(precision), 100),
        flags,
      );
      return padded(text, Math.min(wide, MAX_WIDTH), flags, "dxXobfeg".includes(verb));
    },
  );
}

function formatted(verb: string, value: unknown, precision: number | undefined, flags: string): string {
  const signed = (text: string): string => (flags.includes("+") && !text.startsWith("-") ? `+${text}` : text);
  switch (verb) {
    case "s":
    case "v": {
      const text = textOf(value);
      return precision === undefined ? text : text.slice(0, precision);
    }
    case "q":
      return JSON.stringify(textOf(value));
    case "t":
      return String(Boolean(value));
    case "T":
      return kindOf(value);
    case "c":
      return String.fromCodePoint(Math.min(Math.max(Number(value) || 0, 0), 0x10_ff_ff));
    case "f":
      return signed(Number(value).toFixed(precision ?? 6));
    case "e":
      return signed(Number(value).toExponential(precision ?? 6));
    case "g":
      return signed(
        precision === undefined ? String(Number(value)) : String(Number(Number(value).toPrecision(precision || 1))),
      );
    case "d":
      return typeof value === "number" ? signed(String(Math.trunc(value))) : `%!d(${kindOf(value)}=${textOf(value)})`;
    case "x":
    case "X":
    case "o":
    case "b": {
      const base = { x: 16, X: 16, o: 8, b: 2 }[verb];
      const text =
        typeof value === "number" ? Math.trunc(value).toString(base) : Buffer.from(textOf(value)).toString("hex");
      return verb === "X" ? text.toUpperCase() : text;
    }
    default:
      return `%!${verb}(${kindOf(value)}=${textOf(value)})`;
  }
}

function padded(text: string, width: number, flags: string, isNumber: boolean): string {
  if (text.length >= width) return text;
  if (flags.includes("-")) return text.padEnd(width);
  if (!flags.includes("0") || !isNumber) return text.padStart(width);
  const [, sign = "", digits = text] = /^([-+]?)(.*)$/s.exec(text) ?? [];
  return sign + digits.padStart(width - sign.length, "0");
}
