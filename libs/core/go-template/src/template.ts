import { BUILTINS } from "./builtins.ts";
import { type Evaluate, type Execute, Frame, MAX_STEPS, type Output } from "./frame.ts";
import { type Delimiters, type Piece, piecesOf } from "./lexer.ts";
import { type Functions, PipelineReader } from "./pipeline.ts";
import { Scope } from "./scope.ts";
import { TemplateError } from "./template-error.ts";
import { isFields, isTrue, kindOf, sortedKeys } from "./values.ts";

export interface TemplateOptions {
  /** Beside Go's own functions; one with the name of one of Go's replaces it. */
  readonly functions?: Functions;
  /** `{{` and `}}` when absent. */
  readonly delimiters?: Delimiters;
}

interface Defined {
  run?: Execute;
  slots: number;
}

/** A Go template (the language of Go's package text/template) as functions, ready to be executed any number of times. */
export class Template {
  readonly #run: Execute;
  readonly #slots: number;

  /** @throws TemplateError with the line of what is not a template */
  constructor(text: string, { functions = {}, delimiters = { left: "{{", right: "}}" } }: TemplateOptions = {}) {
    const compiler = new Compiler(piecesOf(text, delimiters), { ...BUILTINS, ...functions });
    const scope = new Scope();
    this.#run = compiler.all(scope);
    this.#slots = scope.slots;
  }

  /**
   * Writes the template with some data.
   * @throws TemplateError with the line of the action that cannot be executed
   */
  execute(data: unknown, output: Output): void {
    const frame = new Frame(data, output, this.#slots);
    try {
      this.#run(frame);
    } catch (error) {
      if (error instanceof TemplateError) throw error.line > 0 ? error : new TemplateError(error.text, frame.line);
      throw new TemplateError(error instanceof Error ? error.message : String(error), frame.line);
    }
  }
}

type Ended = { readonly word: string; readonly piece: Extract<Piece, { kind: "action" }> };

class Compiler {
  #at = 0;
  readonly #pieces: readonly Piece[];
  readonly #functions: Functions;
  readonly #defined = new Map<string, Defined>();

  constructor(pieces: readonly Piece[], functions: Functions) {
    this.#pieces = pieces;
    this.#functions = functions;
  }

  all(scope: Scope): Execute {
    const { run, ended } = this.#list(scope);
    if (ended) throw new TemplateError(`unexpected {{${ended.word}}}`, ended.piece.line);
    return run;
  }

  /** What stands before an `end` or `else`, or before the end of all. */
  #list(scope: Scope): { readonly run: Execute; readonly ended?: Ended } {
    const parts: Execute[] = [];
    while (this.#at < this.#pieces.length) {
      const piece = this.#pieces[this.#at++] as Piece;
      if (piece.kind === "text") {
        const { text } = piece;
        parts.push(({ output }) => void output.text(text));
        continue;
      }
      const [first] = piece.tokens;
      const word = first?.kind === "word" ? first.text : "";
      if (word === "end" || word === "else") return { run: sequence(parts), ended: { word, piece } };
      parts.push(this.#action(word, piece, scope));
    }
    return { run: sequence(parts) };
  }

  #action(word: string, piece: Ended["piece"], scope: Scope): Execute {
    const { tokens, line } = piece;
    const reader = new PipelineReader(tokens, 1, line, scope, this.#functions);
    switch (word) {
      case "if":
      case "with":
        return scope.within(() => this.#conditional(word, reader, piece, scope));
      case "range":
        return scope.within(() => this.#range(reader, piece, scope));
      case "break":
      case "continue":
        reader.end();
        return () => word;
      case "define":
      case "block":
        return this.#define(word, reader, line);
      case "template":
        return this.#include(reader.string(), reader.isAtEnd ? undefined : reader.all(), line);
      default:
        return this.#output(new PipelineReader(tokens, 0, line, scope, this.#functions), line, scope);
    }
  }

  #output(reader: PipelineReader, line: number, scope: Scope): Execute {
    const declaration = reader.declaration();
    const evaluate = reader.all();
    if (!declaration)
      return (frame) => {
        frame.line = line;
        frame.step();
        frame.output.value(evaluate(frame));
        return undefined;
      };
    const [name = ""] = declaration.names;
    const slot = declaration.assigns ? scope.slotOf(name, line) : scope.declare(name);
    return (frame) => {
      frame.line = line;
      frame.vars[slot] = evaluate(frame);
      return undefined;
    };
  }

  #conditional(word: "if" | "with", reader: PipelineReader, { line }: Ended["piece"], scope: Scope): Execute {
    const declaration = reader.declaration();
    const evaluate = reader.all();
    const slot = declaration ? scope.declare(declaration.names[0] ?? "") : undefined;
    const { then, otherwise } = this.#branches(word, line, scope);
    return (frame) => {
      frame.line = line;
      frame.step();
      const value = evaluate(frame);
      if (slot !== undefined) frame.vars[slot] = value;
      if (!isTrue(value)) return otherwise?.(frame);
      if (word === "if") return then(frame);
      const { dot } = frame;
      frame.dot = value;
      const ended = then(frame);
      frame.dot = dot;
      return ended;
    };
  }

  #branches(word: string, line: number, scope: Scope): { readonly then: Execute; readonly otherwise?: Execute } {
    const { run: then, ended } = scope.within(() => this.#list(scope));
    if (!ended) throw new TemplateError(`the {{${word}}} has no {{end}}`, line);
    if (ended.word === "end") return { then };
    const [, next] = ended.piece.tokens;
    if (next?.kind === "word" && (next.text === "if" || next.text === "with")) {
      // `{{else if x}}` ends with the same `end` as the `if` before it.
      const piece = { ...ended.piece, tokens: ended.piece.tokens.slice(1) };
      return { then, otherwise: scope.within(() => this.#action(next.text, piece, scope)) };
    }
    const last = scope.within(() => this.#list(scope));
    if (last.ended?.word !== "end") throw new TemplateError(`the {{${word}}} has no {{end}}`, line);
    return { then, otherwise: last.run };
  }

  #range(reader: PipelineReader, { line }: Ended["piece"], scope: Scope): Execute {
    const declaration = reader.declaration();
    const evaluate = reader.all();
    const slots = (declaration?.names ?? []).map((name) =>
      declaration?.assigns ? scope.slotOf(name, line) : scope.declare(name),
    );
    const [keySlot, valueSlot] = slots.length === 2 ? slots : [undefined, slots[0]];
    const { then, otherwise } = this.#branches("range", line, scope);
    return (frame) => {
      frame.line = line;
      const { dot } = frame;
      const entries = entriesOf(evaluate(frame));
      if (entries.length === 0) return otherwise?.(frame);
      for (const [key, value] of entries) {
        frame.step();
        if (keySlot !== undefined) frame.vars[keySlot] = key;
        if (valueSlot !== undefined) frame.vars[valueSlot] = value;
        frame.dot = value;
        if (then(frame) === "break") break;
      }
      frame.dot = dot;
      return undefined;
    };
  }

  #define(word: "define" | "block", reader: PipelineReader, line: number): Execute {
    const name = reader.string();
    const argument = word === "block" ? reader.all() : undefined;
    if (word === "define") reader.end();
    const scope = new Scope();
    const { run, ended } = this.#list(scope);
    if (ended?.word !== "end") throw new TemplateError(`the {{${word}}} has no {{end}}`, line);
    const defined = this.#template(name);
    defined.run = run;
    defined.slots = scope.slots;
    return argument ? this.#include(name, argument, line) : () => undefined;
  }

  #include(name: string, argument: Evaluate | undefined, line: number): Execute {
    const defined = this.#template(name);
    return (frame) => {
      frame.line = line;
      frame.step();
      const { run, slots } = defined;
      if (!run) throw new TemplateError(`template "${name}" is not defined`, line);
      frame.call(run, slots, argument?.(frame));
      return undefined;
    };
  }

  /** A template may be called before it is defined. */
  #template(name: string): Defined {
    const defined = this.#defined.get(name) ?? { slots: 1 };
    this.#defined.set(name, defined);
    return defined;
  }
}

function sequence(parts: readonly Execute[]): Execute {
  const [only] = parts;
  if (parts.length === 1 && only) return only;
  return (frame) => {
    for (const each of parts) {
      const ended = each(frame);
      if (ended) return ended;
    }
    return undefined;
  };
}

function entriesOf(value: unknown): readonly (readonly [key: unknown, value: unknown])[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.map((each, index) => [index, each]);
  if (isFields(value)) return sortedKeys(value).map((key) => [key, value[key]]);
  if (typeof value === "number" && Number.isInteger(value)) {
    if (value > MAX_STEPS) throw new TemplateError(`range makes more than ${MAX_STEPS} steps`);
    return Array.from({ length: Math.max(value, 0) }, (_, index) => [index, index]);
  }
  throw new TemplateError(`range cannot go over a ${kindOf(value)}`);
}
