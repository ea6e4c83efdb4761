/** Words of YAML 1.1, in the spellings that kubectl takes. */
const WORDS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ...spellings(true, "y yes true on"),
  ...spellings(false, "n no false off"),
  ...spellings(null, "null"),
  ["~", null],
  ["", null],
  ...spellings(Number.POSITIVE_INFINITY, ".inf +.inf"),
  ...spellings(Number.NEGATIVE_INFINITY, "-.inf"),
  ...spellings(Number.NaN, ".nan"),
  [".NaN", Number.NaN],
]);
const FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;
const INTEGER = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/;

function* spellings(value: unknown, words: string): Generator<[string, unknown]> {
  for (const word of words.split(" ")) {
    yield [word, value];
    yield [word.replace(/[a-z]/, (letter) => letter.toUpperCase()), value];
    yield [word.toUpperCase(), value];
  }
}

/**
 * What a scalar without quotes means to kubectl: YAML 1.1 without numbers to the base 60 and without dates, which stay texts. The
 * source of the rules is sigs.k8s.io/yaml; the test has its table.
 */
export function plainValue(text: string): unknown {
  // Most scalars begin with a letter that begins no number and no word.
  if (!/^[-+.0-9yYnNtTfFoO~]|^$/.test(text)) return text;
  if (WORDS.has(text)) return WORDS.get(text);
  const plain = text.startsWith(".") ? text : text.replaceAll("_", "");
  const integer = integerOf(plain);
  if (integer !== undefined) return integer;
  if (!FLOAT.test(plain)) return text;
  const float = Number(plain);
  // Too large for a number: Go leaves it a string.
  return Number.isFinite(float) ? float : text;
}

function integerOf(text: string): number | undefined {
  const found = INTEGER.exec(text);
  if (!found) return undefined;
  const [, sign, hex, binary, octal, decimal] = found;
  const value =
    hex !== undefined
      ? Number.parseInt(hex, 16)
      : binary !== undefined
        ? Number.parseInt(binary, 2)
        : octal !== undefined
          ? Number.parseInt(octal, 8)
          : Number(decimal);
  return sign === "-" && value !== 0 ? -value : value;
}

/** What a scalar means that has a tag of YAML's (`!!int "12"`). @returns undefined when it is none of that type */
export function taggedValue(tag: string, text: string): { readonly value: unknown } | undefined {
  const value = plainValue(text);
  const is = (holds: boolean): { readonly value: unknown } | undefined => (holds ? { value } : undefined);
  switch (tag) {
    case "tag:yaml.org,2002:int":
      return is(typeof value === "number" && Number.isInteger(value) && !/[.eE]/.test(text.replace(/^[-+]?0x/i, "")));
    case "tag:yaml.org,2002:float":
      return is(typeof value === "number");
    case "tag:yaml.org,2002:bool":
      return is(typeof value === "boolean");
    case "tag:yaml.org,2002:null":
      return is(value === null);
    case "tag:yaml.org,2002:binary":
      return { value: Buffer.from(text, "base64").toString("utf8") };
    default:
      return { value: text };
  }
}
