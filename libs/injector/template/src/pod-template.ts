import { type Delimiters, type Functions, Markup, type Output, Template, TemplateError } from "@xebec/core-go-template";
import { YamlError } from "@xebec/core-yaml";
import { CLOSE, type Fill, OPEN, readSkeleton } from "./slots.ts";

/** Most texts of one template that are kept as read: pods of one kind give the same one. */
const MAX_READ = 256;
/** Largest text that a template may make, in characters. */
const MAX_LENGTH = 1 << 20;
/** Texts that functions make and that are one value in a line: `"a"`, `[1]`, `{"a":1}`. */
const IN_A_LINE = /^["'[{]/;

/**
 * A Go template that makes YAML. Text that the template has is syntax, and a value that an action yields is one scalar where it
 * stands: nothing in a pod can add a field, a line or a container (docs/adr/0017-go-templates.md). Structure comes from functions that
 * make it: `toYaml`, `toJson`.
 */
export class PodTemplate {
  readonly #template: Template;
  /** What was read of texts, by the text without its values. Reading YAML is nearly all of the work. */
  readonly #read = new Map<string, Fill>();

  /** @throws TemplateError */
  constructor(text: string, functions: Functions, delimiters?: Delimiters) {
    if (text.includes(OPEN) || text.includes(CLOSE))
      throw new TemplateError("holds characters of private use, U+E0F0 or U+E0F1");
    this.#template = new Template(text, { functions, ...(delimiters ? { delimiters } : {}) });
  }

  /** @returns what the YAML means @throws TemplateError */
  render(data: unknown): unknown {
    const skeleton = new Skeleton();
    this.#template.execute(data, skeleton);
    return this.#fill(skeleton.written)(skeleton.values);
  }

  #fill(skeleton: string): Fill {
    const known = this.#read.get(skeleton);
    if (known) {
      // The one that was used last goes last.
      this.#read.delete(skeleton);
      this.#read.set(skeleton, known);
      return known;
    }
    const fill = read(skeleton);
    this.#read.set(skeleton, fill);
    const [oldest] = this.#read.keys();
    if (this.#read.size > MAX_READ && oldest !== undefined) this.#read.delete(oldest);
    return fill;
  }
}

function read(skeleton: string): Fill {
  try {
    return readSkeleton(skeleton);
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    const line = skeleton.split("\n")[error.line - 1] ?? "";
    const shown = line
      .trim()
      .slice(0, 120)
      .replace(/\uE0F0\d+\uE0F1/g, "…");
    throw new TemplateError(`makes what is not YAML: line ${error.line} of the result: ${error.text}: ${shown}`);
  }
}

class Skeleton implements Output {
  written = "";
  readonly values: (string | number | Markup)[] = [];

  text(text: string): void {
    this.written += text;
    if (this.written.length > MAX_LENGTH) throw new TemplateError(`makes more than ${MAX_LENGTH} characters`);
  }

  value(value: unknown): void {
    if (value === undefined || value === null || value === "") return;
    if (typeof value === "boolean") this.text(String(value));
    else if (typeof value === "string" || typeof value === "number") this.#slot(value);
    else if (!(value instanceof Markup))
      throw new TemplateError("a map or list cannot be written: use toYaml or toJson");
    else if (value.text.includes("\n") || !IN_A_LINE.test(value.text)) this.#syntax(value.text);
    else this.#slot(value);
  }

  #slot(value: string | number | Markup): void {
    this.text(`${OPEN}${this.values.length}${CLOSE}`);
    this.values.push(value);
  }

  #syntax(text: string): void {
    if (text.includes(OPEN) || text.includes(CLOSE))
      throw new TemplateError("a value holds characters of private use, U+E0F0 or U+E0F1");
    this.text(text);
  }
}
