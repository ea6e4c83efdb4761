import { Type } from "typebox";

/** Shapes that several kinds share (docs/reference/pilot.md §3). Every object is closed: a field that is not named is a fault. */
export const closed = { additionalProperties: false } as const;
/**
 * Fields that Istio 1.1 or today's Istio has here and that are not served: they are refused by name, never called unknown.
 * @param fields what to write instead, for those that have a successor; others are names alone
 */
export const without = (names: string, fields: Readonly<Record<string, string>> = {}) =>
  ({
    ...closed,
    notServed: {
      ...Object.fromEntries(
        names
          .split(" ")
          .filter(Boolean)
          .map((name) => [name, ""]),
      ),
      ...fields,
    },
  }) as const;
export const Labels = Type.Record(Type.String(), Type.String());
/** Go's duration text, `5s`; checked by the kind's semantic rules. */
export const Duration = Type.String({ format: "duration-go" });
export const Port = Type.Integer({ minimum: 1, maximum: 65_535 });
/** A count of 32 bits. */
export const UInt = Type.Integer({ minimum: 0, maximum: 4_294_967_295 });
/** Exactly one of the three; an empty object matches any value that is present. */
export const StringMatch = Type.Object(
  {
    exact: Type.Optional(Type.String()),
    prefix: Type.Optional(Type.String()),
    regex: Type.Optional(Type.String()),
  },
  closed,
);
export const Percent = Type.Object({ value: Type.Optional(Type.Number({ minimum: 0, maximum: 100 })) }, closed);
export const PortSelector = Type.Object({ number: Type.Optional(Port) }, without("name", { name: "write number" }));
export const Destination = Type.Object(
  { host: Type.String({ minLength: 1 }), subset: Type.Optional(Type.String()), port: Type.Optional(PortSelector) },
  closed,
);
export const ExportTo = Type.Array(Type.String({ minLength: 1 }));
export const WorkloadSelector = Type.Object({ matchLabels: Type.Optional(Labels) }, closed);
/** One of these texts. */
export const literals = <const V extends readonly string[]>(...values: V) =>
  Type.Unsafe<V[number]>(Type.Union(values.map((value) => Type.Literal(value))));
