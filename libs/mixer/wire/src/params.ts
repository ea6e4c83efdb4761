import { BinaryWriter } from "@bufbuild/protobuf/wire";
import {
  type DescriptorProto,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import { parseGoDuration, parseTimestamp } from "@xebec/model-attributes";
import type { Path, Violation } from "@xebec/model-schema";
import { DescriptorFiles } from "./descriptors.ts";
import { durationBytes, timestampBytes, writeMessage, writeScalar } from "./scalars.ts";

/** The message `Params` of an adapter of its own process. */
export interface ParamsMessage {
  readonly files: DescriptorFiles;
  readonly message: DescriptorProto;
  /** `type.googleapis.com/<package>.Params`. */
  readonly typeUrl: string;
}

/**
 * Finds an adapter's configuration.
 * @param base64 the FileDescriptorSet of the object of kind `adapter`; empty: the adapter has none
 * @throws TypeError when there is no message `Params`
 */
export function paramsMessageOf(base64: string): ParamsMessage | undefined {
  if (base64 === "") return undefined;
  const files = new DescriptorFiles(base64);
  for (const file of files.files.toReversed()) {
    const message = file.messageType.find(({ name }) => name === "Params");
    if (message)
      return { files, message, typeUrl: `type.googleapis.com/${file.package === "" ? "" : `${file.package}.`}Params` };
  }
  throw new TypeError("its descriptor set has no message Params");
}

/**
 * Writes a handler's parameters by the adapter's descriptor (docs/reference/mixer.md §9.3).
 * @returns the message, and what is wrong with paths from the parameters on
 */
export function encodeParams(
  { files, message }: ParamsMessage,
  params: unknown,
): { readonly bytes: Uint8Array; readonly violations: readonly Violation[] } {
  const encoder = new ParamsEncoder(files);
  const bytes = encoder.message(message, params ?? {}, []);
  return { bytes, violations: encoder.violations };
}

const INTEGERS: ReadonlySet<Type> = new Set([Type.INT32, Type.UINT32, Type.SINT32, Type.FIXED32, Type.SFIXED32]);
const LONGS: ReadonlySet<Type> = new Set([Type.INT64, Type.UINT64, Type.SINT64, Type.FIXED64, Type.SFIXED64]);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const camel = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

class ParamsEncoder {
  readonly violations: Violation[] = [];
  readonly #files: DescriptorFiles;

  constructor(files: DescriptorFiles) {
    this.#files = files;
  }

  message(message: DescriptorProto, value: unknown, path: Path): Uint8Array {
    const writer = new BinaryWriter();
    if (!isObject(value)) {
      this.#fail(path, "must be an object");
      return writer.finish();
    }
    if (path.length > 100) {
      this.#fail(path, "is nested too deeply");
      return writer.finish();
    }
    const known = new Map(
      message.field.flatMap((each) => [[each.name, each] as const, [camel(each.name), each] as const]),
    );
    const given = Object.entries(value).flatMap(([name, inner]) => {
      const field = known.get(name);
      if (!field) this.#fail([...path, name], `${message.name} has no such field`);
      return field && inner !== null ? [{ field, name, inner }] : [];
    });
    for (const { field, name, inner } of given.sort((a, b) => a.field.number - b.field.number))
      this.#field(writer, field, inner, [...path, name]);
    return writer.finish();
  }

  #field(writer: BinaryWriter, field: FieldDescriptorProto, value: unknown, path: Path): void {
    const entry = this.#files.messages.get(field.typeName);
    if (entry?.options?.mapEntry) {
      const [key, of] = [entry.field.find((each) => each.number === 1), entry.field.find((each) => each.number === 2)];
      if (!isObject(value) || !key || !of) {
        this.#fail(path, "must be an object");
        return;
      }
      for (const name of Object.keys(value).sort()) {
        const inner = new BinaryWriter();
        this.#single(inner, key, name, [...path, name]);
        this.#single(inner, of, value[name], [...path, name]);
        writeMessage(writer, field.number, inner.finish());
      }
    } else if (field.label === FieldDescriptorProto_Label.REPEATED) {
      if (!Array.isArray(value)) {
        this.#fail(path, "must be a list");
        return;
      }
      for (const [i, each] of value.entries()) this.#single(writer, field, each, [...path, i]);
    } else this.#single(writer, field, value, path);
  }

  #single(writer: BinaryWriter, field: FieldDescriptorProto, value: unknown, path: Path): void {
    const { type, number, typeName } = field;
    if (type === Type.MESSAGE) {
      const bytes = this.#known(typeName, value, path);
      if (bytes) writeMessage(writer, number, bytes);
      return;
    }
    const scalar = this.#scalar(field, value, path);
    if (scalar !== undefined) writeScalar(writer, number, type, scalar);
  }

  #known(typeName: string, value: unknown, path: Path): Uint8Array | undefined {
    if (typeName === ".google.protobuf.Duration") {
      const nanos = typeof value === "string" ? parseGoDuration(value) : undefined;
      if (nanos !== undefined) return durationBytes(BigInt(nanos));
      this.#fail(path, "must be a duration, such as 1m30s");
      return undefined;
    }
    if (typeName === ".google.protobuf.Timestamp") {
      const at = typeof value === "string" ? parseTimestamp(value) : undefined;
      if (at) return timestampBytes(at.seconds, at.nanos);
      this.#fail(path, "must be a time, such as 2019-05-01T10:00:00Z");
      return undefined;
    }
    const message = this.#files.messages.get(typeName);
    if (message) return this.message(message, value, path);
    this.#fail(path, `the adapter's descriptor set has no ${typeName.slice(1)}`);
    return undefined;
  }

  #scalar({ type, typeName }: FieldDescriptorProto, value: unknown, path: Path): unknown {
    if (type === Type.STRING && typeof value === "string") return value;
    if (type === Type.BOOL) {
      if (typeof value === "boolean") return value;
      if (value === "true" || value === "false") return value === "true";
    }
    if (type === Type.ENUM) {
      const found = this.#files.enums
        .get(typeName)
        ?.value.find(({ name, number }) => name === value || number === value);
      if (found) return found.number;
      const names = this.#files.enums.get(typeName)?.value.map(({ name }) => name) ?? [];
      return this.#fail(path, `must be one of ${names.join(", ")}`);
    }
    if ((type === Type.DOUBLE || type === Type.FLOAT) && isNumber(value)) return Number(value);
    if (INTEGERS.has(type) && isNumber(value) && Number.isInteger(Number(value))) return Number(value);
    if (LONGS.has(type) && (Number.isSafeInteger(value) || (typeof value === "string" && /^-?\d{1,20}$/.test(value))))
      return BigInt(value as string);
    return this.#fail(path, `${JSON.stringify(value)} is not of type ${Type[type]?.toLowerCase()}`);
  }

  #fail(path: Path, message: string): undefined {
    this.violations.push({ path, message });
    return undefined;
  }
}

const isNumber = (value: unknown): boolean =>
  typeof value === "number" || (typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value)));
