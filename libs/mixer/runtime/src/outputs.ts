import type { OutputField } from "@xebec/mixer-sdk";
import type { AttributeBag, Layout, ValueType, Vocabulary } from "@xebec/model-attributes";

/** What expressions are compiled into: names become slots. */
export interface ExpressionLayout {
  readonly vocabulary: Vocabulary;
  slot(name: string): number;
}

/** A value of an adapter's output, and the slot that holds it for expressions. */
export interface OutputSlot {
  readonly key: string;
  readonly slot: number;
}

/** A vocabulary with names of the runtime's own: slots for what adapters give back. No caller can send attributes of these names. */
export class OutputVocabulary implements Vocabulary {
  readonly #base: Vocabulary;
  readonly #own = new Map<string, ValueType>();

  constructor(base: Vocabulary) {
    this.#base = base;
  }

  typeOf(name: string): ValueType | undefined {
    return this.#own.get(name) ?? this.#base.typeOf(name);
  }

  names(): Iterable<string> {
    return this.#base.names();
  }

  /** Makes slots for the output of a template. @param owner makes their names unique */
  slots(owner: string, output: readonly OutputField[], layout: Layout): OutputSlot[] {
    return output.map(({ name, key, type }) => {
      const own = `${owner}\0${name}`;
      this.#own.set(own, type);
      return { key, slot: layout.slot(own) };
    });
  }
}

/**
 * A layout in which expressions read output by short names, such as `output.source_pod_name`.
 * @param slots the slots of `output`, as `OutputVocabulary.slots` made them
 * @param prefixes what names of output begin with
 */
export function outputView(
  layout: Layout,
  output: readonly OutputField[],
  slots: readonly OutputSlot[],
  prefixes: readonly string[],
): ExpressionLayout {
  const own = new Map<string, { readonly type: ValueType; readonly slot: number }>();
  for (const prefix of prefixes)
    for (const [i, { name, type }] of output.entries())
      own.set(prefix + name, { type, slot: (slots[i] as OutputSlot).slot });
  return mergeViews(layout, own);
}

/** A layout with names of a rule's own above it. */
export function mergeViews(
  layout: ExpressionLayout,
  own: ReadonlyMap<string, { readonly type: ValueType; readonly slot: number }>,
): ExpressionLayout {
  const { vocabulary } = layout;
  return {
    vocabulary: {
      typeOf: (name) => own.get(name)?.type ?? vocabulary.typeOf(name),
      names: () => vocabulary.names(),
    },
    slot: (name) => own.get(name)?.slot ?? layout.slot(name),
  };
}

/** Puts an adapter's output where expressions read it; what it left out is absent. */
export function setOutput(
  bag: AttributeBag,
  slots: readonly OutputSlot[],
  output: Readonly<Record<string, unknown>> | undefined,
): void {
  for (const { key, slot } of slots) bag.impose(slot, output?.[key] as never);
}
