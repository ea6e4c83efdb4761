import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { CompressedAttributesSchema } from "@xebec/api-mesh/istio/mixer/v1/attributes";
import { type CheckResponse, Mixer, ReferencedAttributes_Condition } from "@xebec/api-mesh/istio/mixer/v1/mixer";
import { isXebecError, XebecError } from "@xebec/core-errors";
import { formatGoDuration, GLOBAL_WORDS, parseGoDuration, parseTimestamp } from "@xebec/model-attributes";
import { clientOf, createGrpcChannel } from "@xebec/platform-grpc";

type List = readonly string[];

export interface MixcOptions {
  readonly mixer: string;
  readonly repeat: number;
  readonly print_response: string;
  readonly report_batch_size?: number;
  readonly quotas?: List;
  /** Also says what each rule makes of the attributes. */
  readonly explain?: boolean;
  /** HOST:PORT of the monitoring port that explains. */
  readonly monitoring?: string;
  readonly attributes?: List;
  readonly string_attributes?: List;
  readonly int64_attributes?: List;
  readonly double_attributes?: List;
  readonly bool_attributes?: List;
  readonly timestamp_attributes?: List;
  readonly duration_attributes?: List;
  readonly bytes_attributes?: List;
  readonly stringmap_attributes?: List;
}

const CODES = [
  ...["OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"],
  ...["PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED"],
  ...["INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"],
];

/** `xebec mixer check|report`, with the flags and the output of Istio 1.1's mixc (docs/reference/mixer.md §8.5). */
export async function mixc(call: "check" | "report", options: MixcOptions): Promise<number> {
  const attributes = attributesOf(options);
  const quotas = Object.fromEntries(
    pairs(options.quotas).map(([name, amount]) => [name, { amount: BigInt(amount), bestEffort: true }]),
  );
  const channel = createGrpcChannel({ address: options.mixer });
  const client = clientOf(Mixer, channel);
  const print = (text: string): void => void (options.print_response !== "false" && process.stdout.write(text));
  let failed = 0;
  try {
    for (let i = 0; i < options.repeat; i++) {
      try {
        if (call === "check") {
          const deduplicationId = `${process.hrtime.bigint() + BigInt(i)}`;
          print(
            checkText(
              await client.check({ attributes, globalWordCount: 0, deduplicationId, quotas }),
              attributes.words,
            ),
          );
        } else {
          const batch = Array.from({ length: options.report_batch_size ?? 1 }, () => attributes);
          await client.report({ attributes: batch, globalWordCount: 0 });
          print("Report RPC returned OK\n");
        }
      } catch (error) {
        if (!isXebecError(error)) throw error;
        failed = 1;
        const code = error.code.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
        print(`${call === "check" ? "Check RPC failed with: " : "Report RPC returned "}${code} (${error.message})\n`);
      }
    }
    if (options.explain) {
      const { explainedCheck } = await import("./explain-check.ts");
      const bytes = toBinary(CompressedAttributesSchema, attributes);
      process.stdout.write(await explainedCheck(bytes, options.mixer, options.monitoring));
    }
    return failed;
  } finally {
    channel.close();
  }
}

function checkText({ precondition, quotas }: CheckResponse, sent: readonly string[]): string {
  const { status, validUseCount = 0, validDuration, referencedAttributes } = precondition ?? {};
  const code = CODES[status?.code ?? 0] ?? String(status?.code);
  const nanos = (validDuration?.seconds ?? 0n) * 1_000_000_000n + BigInt(validDuration?.nanos ?? 0);
  const words = [...(referencedAttributes?.words ?? [])];
  const word = (index: number): string =>
    index >= 0 ? (GLOBAL_WORDS[index] ?? "?") : (words[-index - 1] ?? sent[-index - 1] ?? "?");
  const references = (referencedAttributes?.attributeMatches ?? []).map(({ name, mapKey, condition }) => {
    const key = mapKey === 0 ? "" : `::${word(mapKey)}`;
    return `    ${word(name)}${key} ${ReferencedAttributes_Condition[condition]}\n`;
  });
  const granted = Object.entries(quotas).sort(([a], [b]) => (a < b ? -1 : 1));
  const width = Math.max(5, ...granted.map(([name]) => name.length));
  const table = granted.map(([name, { grantedAmount, validDuration: valid }]) => {
    const took = (valid?.seconds ?? 0n) * 1_000_000_000n + BigInt(valid?.nanos ?? 0);
    return `    ${name.padEnd(width)} ${String(grantedAmount).padEnd(14)} ${formatGoDuration(Number(took))}\n`;
  });
  return [
    `Check RPC completed successfully. Check status was ${code}${status?.message ? ` (${status.message})` : ""}\n`,
    `  Valid use count: ${validUseCount}, valid duration: ${formatGoDuration(Number(nanos))}\n`,
    "  Referenced Attributes\n",
    ...references.sort(),
    ...(granted.length > 0 ? [`  Quotas\n    ${"Quota".padEnd(width)} Granted Amount Duration\n`, ...table] : []),
  ].join("");
}

function pairs(list: List = []): [string, string][] {
  return list
    .flatMap((each) => each.split(","))
    .map((each) => {
      const at = each.indexOf("=");
      if (at < 1) throw new XebecError("invalid_argument", `"${each}" is not NAME=VALUE`);
      return [each.slice(0, at), each.slice(at + 1)];
    });
}

/** The attributes of the flags; all words belong to the message. */
function attributesOf(options: MixcOptions) {
  const words: string[] = [];
  const index = (word: string): number => {
    const at = words.indexOf(word);
    return at < 0 ? -words.push(word) : -at - 1;
  };
  const out: MessageInitShape<typeof CompressedAttributesSchema> & { words: string[] } = {
    ...{
      words,
      strings: {},
      int64s: {},
      doubles: {},
      bools: {},
      timestamps: {},
      durations: {},
      bytes: {},
      stringMaps: {},
    },
  };
  const put = <T>(table: { [key: number]: T } | undefined, name: string, value: T | undefined, type: string): void => {
    if (value === undefined) throw new XebecError("invalid_argument", `${name}: that is not a ${type}`);
    if (table) table[index(name)] = value;
  };
  for (const [name, text] of pairs(options.attributes)) guess(name, text);
  for (const [name, text] of pairs(options.string_attributes)) put(out.strings, name, index(text), "string");
  for (const [name, text] of pairs(options.int64_attributes)) put(out.int64s, name, integer(text), "integer");
  for (const [name, text] of pairs(options.double_attributes)) put(out.doubles, name, number(text), "double");
  for (const [name, text] of pairs(options.bool_attributes)) put(out.bools, name, bool(text), "bool");
  for (const [name, text] of pairs(options.timestamp_attributes)) put(out.timestamps, name, time(text), "time");
  for (const [name, text] of pairs(options.duration_attributes)) put(out.durations, name, duration(text), "duration");
  for (const [name, text] of pairs(options.bytes_attributes)) put(out.bytes, name, octets(text), "list of bytes");
  for (const [name, text] of pairs(options.stringmap_attributes)) put(out.stringMaps, name, map(text), "map");
  return create(CompressedAttributesSchema, out);

  /** The first type that the text can be, in mixc's order. */
  function guess(name: string, text: string): void {
    const [whole, real, truth, at, took, bytes, entries] = [
      ...([integer(text), number(text), bool(text), time(text), duration(text), octets(text), map(text)] as const),
    ];
    if (whole !== undefined) put(out.int64s, name, whole, "");
    else if (real !== undefined) put(out.doubles, name, real, "");
    else if (truth !== undefined) put(out.bools, name, truth, "");
    else if (at) put(out.timestamps, name, at, "");
    else if (took) put(out.durations, name, took, "");
    else if (bytes) put(out.bytes, name, bytes, "");
    else if (entries) put(out.stringMaps, name, entries, "");
    else put(out.strings, name, index(text), "");
  }

  function map(text: string): { entries: Record<number, number> } | undefined {
    const entries = text.split(";").map((each) => /^([^:]+):(.*)$/.exec(each));
    if (entries.some((each) => !each)) return undefined;
    return { entries: Object.fromEntries(entries.map((each) => [index(each?.[1] ?? ""), index(each?.[2] ?? "")])) };
  }
}

const integer = (text: string): bigint | undefined =>
  /^[+-]?\d+$/.test(text) ? BigInt(text.replace("+", "")) : undefined;
const number = (text: string): number | undefined =>
  text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : undefined;
const bool = (text: string): boolean | undefined => {
  if (/^(?:t|T|true|TRUE|True)$/.test(text)) return true;
  return /^(?:f|F|false|FALSE|False)$/.test(text) ? false : undefined;
};
const time = (text: string) => {
  const at = parseTimestamp(text);
  return at && { seconds: BigInt(at.seconds), nanos: at.nanos };
};
const duration = (text: string) => {
  const nanos = parseGoDuration(text);
  if (nanos === undefined) return undefined;
  const all = BigInt(nanos);
  return { seconds: all / 1_000_000_000n, nanos: Number(all % 1_000_000_000n) };
};
const octets = (text: string): Uint8Array<ArrayBuffer> | undefined =>
  /^[0-9a-fA-F]{1,2}(?::[0-9a-fA-F]{1,2})*$/.test(text)
    ? Uint8Array.from(text.split(":").map((each) => Number.parseInt(each, 16)))
    : undefined;
