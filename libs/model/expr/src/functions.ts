import {
  type AttributeBag,
  type AttributeValue,
  addInt64,
  compareTimestamps,
  EMPTY_STRING_MAP,
  type Int64,
  parseIp,
  parseTimestamp,
  type StringMap,
  sameIp,
  type Timestamp,
  type ValueType,
} from "@xebec/model-attributes";
import { emailAddress, sameEmail } from "./email.ts";
import { EvaluationError } from "./expression-error.ts";
import { dnsName, sameDnsName } from "./names.ts";
import { regexTest } from "./regex.ts";
import { compareBytes, globTest, toLower } from "./text.ts";
import { sameUri, uriText } from "./uri.ts";

/** A compiled expression, or part of one. */
export interface Code {
  readonly type: ValueType;
  /** @throws EvaluationError when an attribute is absent or a value cannot be used */
  readonly run: (bag: AttributeBag) => AttributeValue;
  /** The same, but undefined when the value is absent: what stands left of `|`. Absent where that makes no difference. */
  readonly attempt?: (bag: AttributeBag) => AttributeValue | undefined;
  /** Its value, when that is the same for all requests. */
  readonly constant?: AttributeValue;
}

type Run = Code["run"];
type Attempt = NonNullable<Code["attempt"]>;
type Make = (args: readonly Code[], type: ValueType) => Omit<Code, "type">;

const attemptOf = (code: Code): Attempt => code.attempt ?? code.run;

const EQUAL: Partial<Record<ValueType, (a: AttributeValue, b: AttributeValue) => boolean>> = {
  DOUBLE: (a, b) => Object.is(a, b),
  IP_ADDRESS: (a, b) => sameIp(a as Uint8Array, b as Uint8Array),
  TIMESTAMP: (a, b) => compareTimestamps(a as Timestamp, b as Timestamp) === 0,
  DNS_NAME: (a, b) => sameDnsName(a as string, b as string),
  EMAIL_ADDRESS: (a, b) => sameEmail(a as string, b as string),
  URI: (a, b) => sameUri(a as string, b as string),
};

function equality([left, right]: readonly Code[], wanted: boolean): { run: Run } {
  const [a, b] = [(left as Code).run, (right as Code).run];
  const equal = EQUAL[(left as Code).type];
  const constant = (right as Code).constant;
  if (equal) return { run: (bag) => equal(a(bag), b(bag)) === wanted };
  if (constant !== undefined) return { run: (bag) => (a(bag) === constant) === wanted };
  return { run: (bag) => (a(bag) === b(bag)) === wanted };
}

function order([left, right]: readonly Code[], test: (sign: number) => boolean): { run: Run } {
  const [a, b] = [(left as Code).run, (right as Code).run];
  switch ((left as Code).type) {
    case "TIMESTAMP":
      return { run: (bag) => test(compareTimestamps(a(bag) as Timestamp, b(bag) as Timestamp)) };
    case "INT64":
    case "DOUBLE":
      return {
        run: (bag) => {
          const [x, y] = [a(bag) as number, b(bag) as number];
          // NaN is neither less than, nor greater than, nor equal to anything.
          return x < y ? test(-1) : x > y ? test(1) : x === y ? test(0) : false;
        },
      };
    default:
      return { run: (bag) => test(compareBytes(a(bag) as string, b(bag) as string)) };
  }
}

/** A function of a string that fails for strings which are not what it wants. */
function conversion(what: string, convert: (text: string) => AttributeValue | undefined): Make {
  const checked = (text: string): AttributeValue => {
    const value = convert(text);
    if (value === undefined) throw new EvaluationError(`${JSON.stringify(text.slice(0, 200))} is not ${what}`);
    return value;
  };
  return ([code]) => {
    const { run, constant } = code as Code;
    if (constant === undefined) return { run: (bag) => checked(run(bag) as string) };
    const value = checked(constant as string);
    return { run: () => value, constant: value };
  };
}

/**
 * A test of a string by a pattern, which is prepared once when it is constant. Arguments are evaluated in the order in which they stand.
 * @param by the place of the pattern among the arguments
 */
function pattern(prepare: (pattern: string) => (text: string) => boolean, by: 0 | 1): Make {
  return ([first, second]) => {
    const [text, pattern] = (by === 1 ? [first, second] : [second, first]) as [Code, Code];
    if (pattern.constant !== undefined) {
      const test = prepare(pattern.constant as string);
      return { run: (bag) => test(text.run(bag) as string) };
    }
    const [a, b] = [(first as Code).run, (second as Code).run];
    return {
      run: (bag) => {
        const values = [a(bag) as string, b(bag) as string] as const;
        return prepare(values[by])(values[1 - by] as string);
      },
    };
  };
}

/**
 * How each function of `SIGNATURES` runs. Constants are prepared when the expression is compiled.
 * A maker throws EvaluationError when a constant argument can never be used.
 */
export const FUNCTIONS: ReadonlyMap<string, Make> = new Map<string, Make>([
  ["EQ", (args) => equality(args, true)],
  ["NEQ", (args) => equality(args, false)],
  ["LT", (args) => order(args, (sign) => sign < 0)],
  ["LEQ", (args) => order(args, (sign) => sign <= 0)],
  ["GT", (args) => order(args, (sign) => sign > 0)],
  ["GEQ", (args) => order(args, (sign) => sign >= 0)],
  ["LAND", ([a, b]) => ({ run: (bag) => (a as Code).run(bag) === true && (b as Code).run(bag) })],
  ["LOR", ([a, b]) => ({ run: (bag) => (a as Code).run(bag) === true || (b as Code).run(bag) })],
  [
    "OR",
    ([left, right]) => {
      const first = attemptOf(left as Code);
      const [run, attempt] = [(right as Code).run, attemptOf(right as Code)];
      const constant = (right as Code).constant;
      if (constant !== undefined) return { run: (bag) => first(bag) ?? constant };
      return { run: (bag) => first(bag) ?? run(bag), attempt: (bag) => first(bag) ?? attempt(bag) };
    },
  ],
  [
    "INDEX",
    ([map, key]) => {
      const [runMap, runKey] = [(map as Code).run, (key as Code).run];
      const [tryMap, tryKey] = [attemptOf(map as Code), attemptOf(key as Code)];
      const constant = (key as Code).constant as string | undefined;
      if (constant !== undefined)
        return {
          run: (bag) => (runMap(bag) as StringMap).get(constant) ?? "",
          attempt: (bag) => (tryMap(bag) as StringMap | undefined)?.get(constant),
        };
      return {
        run: (bag) => (runMap(bag) as StringMap).get(runKey(bag) as string) ?? "",
        attempt: (bag) => {
          const found = tryMap(bag) as StringMap | undefined;
          if (found === undefined) return undefined;
          const name = tryKey(bag) as string | undefined;
          return name === undefined ? undefined : found.get(name);
        },
      };
    },
  ],
  [
    "ADD",
    ([left, right], type) => {
      const [a, b] = [(left as Code).run, (right as Code).run];
      if (type === "INT64") return { run: (bag) => addInt64(a(bag) as Int64, b(bag) as Int64) };
      return { run: (bag) => (a(bag) as string) + (b(bag) as string) };
    },
  ],
  ["size", ([text]) => ({ run: (bag) => Buffer.byteLength((text as Code).run(bag) as string) })],
  [
    "conditional",
    ([test, yes, no]) => ({
      run: (bag) => ((test as Code).run(bag) === true ? (yes as Code).run(bag) : (no as Code).run(bag)),
    }),
  ],
  [
    "conditionalString",
    ([test, yes, no]) => ({
      run: (bag) => {
        const first = (test as Code).run(bag);
        const [a, b] = [(yes as Code).run(bag), (no as Code).run(bag)];
        return first === true ? a : b;
      },
    }),
  ],
  ["ip", conversion("an IP address", parseIp)],
  ["timestamp", conversion("an RFC 3339 time", parseTimestamp)],
  ["dnsName", conversion("a DNS name", dnsName)],
  ["email", conversion("a mail address", emailAddress)],
  ["uri", conversion("a URI", uriText)],
  ["match", pattern(globTest, 1)],
  // The receiver is the regular expression.
  ["matches", pattern(regexTest, 0)],
  [
    "startsWith",
    ([text, by]) => ({
      run: (bag) => ((text as Code).run(bag) as string).startsWith((by as Code).run(bag) as string),
    }),
  ],
  [
    "endsWith",
    ([text, by]) => ({ run: (bag) => ((text as Code).run(bag) as string).endsWith((by as Code).run(bag) as string) }),
  ],
  ["toLower", ([text]) => ({ run: (bag) => toLower((text as Code).run(bag) as string) })],
  ["emptyStringMap", () => ({ run: () => EMPTY_STRING_MAP, constant: EMPTY_STRING_MAP })],
]);
