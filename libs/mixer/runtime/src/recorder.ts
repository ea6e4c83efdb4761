import { XebecError } from "@xebec/core-errors";
import { type AttributeBag, attributeToJson, type Layout } from "@xebec/model-attributes";
import { type CompiledExpression, compileExpression } from "@xebec/model-expr";

/** The attributes of one request, as rules see them, in the form of JSON. */
export interface RecordedBag {
  /** When, RFC 3339. */
  readonly time: string;
  readonly kind: "check" | "report";
  readonly attributes: Readonly<Record<string, unknown>>;
}

interface Recording {
  readonly match: string | undefined;
  readonly take: (bag: RecordedBag) => void;
  /** `match` for each layout of attributes. */
  readonly compiled: WeakMap<Layout, CompiledExpression>;
}

/** Most recordings at a time: each reads all attributes of each request. */
const MOST = 4;

/** Shows the attributes of requests to whoever records them. */
export class Recorder {
  readonly #recordings = new Set<Recording>();

  get active(): boolean {
    return this.#recordings.size > 0;
  }

  /**
   * @param match an expression: only requests for which it is true are taken
   * @returns ends the recording
   * @throws XebecError resource_exhausted when there are too many
   */
  add(match: string | undefined, take: (bag: RecordedBag) => void): () => void {
    if (this.#recordings.size >= MOST)
      throw new XebecError("resource_exhausted", `${MOST} recordings run already; wait until one ends`);
    const recording = { match, take, compiled: new WeakMap<Layout, CompiledExpression>() };
    this.#recordings.add(recording);
    return () => void this.#recordings.delete(recording);
  }

  /** Takes a request, from a bag whose layout has all attributes. Nothing is noted as referenced. */
  note(kind: RecordedBag["kind"], bag: AttributeBag): void {
    let record: RecordedBag | undefined;
    for (const recording of this.#recordings) {
      if (!holds(recording, bag)) continue;
      record ??= { time: new Date().toISOString(), kind, attributes: attributesOf(bag) };
      recording.take(record);
    }
  }
}

function holds({ match, compiled }: Recording, bag: AttributeBag): boolean {
  if (match === undefined) return true;
  const { layout, tracker } = bag;
  bag.tracker = undefined;
  try {
    let expression = compiled.get(layout);
    if (!expression) {
      expression = compileExpression(match, layout, "BOOL");
      compiled.set(layout, expression);
    }
    return expression.evaluate(bag) === true;
  } catch {
    // A condition that cannot be evaluated does not hold.
    return false;
  } finally {
    bag.tracker = tracker;
  }
}

function attributesOf(bag: AttributeBag): Record<string, unknown> {
  const { layout } = bag;
  const out: Record<string, unknown> = {};
  for (const name of layout.vocabulary.names()) {
    const slot = layout.find(name);
    const type = layout.types[slot];
    if (type === undefined) continue;
    try {
      const value = bag.peek(slot);
      if (value !== undefined) out[name] = attributeToJson(type, value);
    } catch {
      // What was sent has another type than the attribute: no rule could read it.
    }
  }
  return out;
}
