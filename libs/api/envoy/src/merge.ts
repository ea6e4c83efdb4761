import {
  clone,
  type DescMessage,
  fromBinary,
  type Message,
  type MessageShape,
  type Registry,
  toBinary,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { type Any, AnySchema, DurationSchema } from "@bufbuild/protobuf/wkt";

/**
 * Merges a message into a copy of another one as Istio does (docs/reference/pilot.md §3.6.3): values overwrite, messages are merged,
 * lists are appended, entries of maps and durations are replaced; an Any is merged where both have the same type.
 */
export function mergedMessage<T extends DescMessage>(
  schema: T,
  target: MessageShape<T>,
  source: MessageShape<T>,
  registry: Registry,
): MessageShape<T> {
  const result = clone(schema, target);
  mergeInto(reflect(schema, result), reflect(schema, source), registry);
  return result;
}

function mergeInto(target: ReflectMessage, source: ReflectMessage, registry: Registry): void {
  for (const field of source.fields) {
    if (!source.isSet(field)) continue;
    if (field.fieldKind === "list") {
      const list = target.get(field);
      for (const item of source.get(field)) list.add(item);
    } else if (field.fieldKind === "map") {
      const map = target.get(field);
      for (const [key, value] of source.get(field)) map.set(key, value);
    } else if (field.fieldKind === "message" && target.isSet(field)) {
      const from = source.get(field);
      const type = field.message.typeName;
      if (type === DurationSchema.typeName) target.set(field, from);
      else if (type === AnySchema.typeName) {
        const merged = mergedAny(target.get(field).message as Message as Any, from.message as Message as Any, registry);
        target.set(field, reflect(AnySchema, merged));
      } else {
        const into = target.get(field);
        mergeInto(into, from, registry);
        target.set(field, into);
      }
    } else target.set(field, source.get(field));
  }
}

/** An Any with another one merged into it where both are of one known type; else the other one. */
export function mergedAny(target: Any, source: Any, registry: Registry): Any {
  const schema = registry.getMessage(source.typeUrl.slice(source.typeUrl.lastIndexOf("/") + 1));
  if (!schema || target.typeUrl !== source.typeUrl) return source;
  const merged = mergedMessage(schema, fromBinary(schema, target.value), fromBinary(schema, source.value), registry);
  return { ...target, value: toBinary(schema, merged) };
}
