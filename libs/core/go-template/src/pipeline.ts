import type { Evaluate, Frame } from "./frame.ts";
import type { Token } from "./lexer.ts";
import type { Scope } from "./scope.ts";
import { TemplateError } from "./template-error.ts";
import { type FieldName, fieldName, fieldOf, isTrue } from "./values.ts";

/** Functions that a template may call, by name. */
// biome-ignore lint/suspicious/noExplicitAny: a template may pass anything; each function reads its arguments itself
export type Functions = Readonly<Record<string, (...args: any[]) => unknown>>;

/** The variables that a pipeline sets: `$x := …`, or `$i, $x := …` of a range. */
export interface Declaration {
  readonly names: readonly string[];
  readonly assigns: boolean;
}

/** Reads the words of one action and makes a function of them. */
export class PipelineReader {
  #at: number;
  readonly #tokens: readonly Token[];
  readonly #line: number;
  readonly #scope: Scope;
  readonly #functions: Functions;

  constructor(tokens: readonly Token[], from: number, line: number, scope: Scope, functions: Functions) {
    this.#tokens = tokens;
    this.#at = from;
    this.#line = line;
    this.#scope = scope;
    this.#functions = functions;
  }

  /** What is set, if anything is, before the pipeline itself. */
  declaration(): Declaration | undefined {
    const start = this.#at;
    const names: string[] = [];
    while (this.#peek()?.kind === "variable") {
      names.push((this.#next() as Token).text);
      if (this.#isMark(",")) this.#at++;
      else break;
    }
    const mark = this.#peek()?.text;
    if (names.length > 0 && this.#peek()?.kind === "mark" && (mark === ":=" || mark === "=")) {
      this.#at++;
      return { names, assigns: mark === "=" };
    }
    this.#at = start;
    return undefined;
  }

  /** A whole pipeline to the end of the action. */
  all(): Evaluate {
    const evaluate = this.#pipeline();
    this.end();
    return evaluate;
  }

  end(): void {
    const rest = this.#peek();
    if (rest) this.#fail(`unexpected ${rest.text || rest.kind}`);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  /** A string that must come next: the name of a template. */
  string(): string {
    const token = this.#next();
    if (token?.kind !== "string") return this.#fail("a string in quotes is expected");
    return token.value as string;
  }

  #pipeline(): Evaluate {
    let evaluate = this.#command();
    while (this.#isMark("|")) {
      this.#at++;
      evaluate = this.#command(evaluate);
    }
    return evaluate;
  }

  /** One command; `last` is what the command before it yields, its last argument. */
  #command(last?: Evaluate): Evaluate {
    const first = this.#peek();
    if (!first) return this.#fail("a value is missing");
    if (first.kind === "word" && !CONSTANTS.has(first.text) && !this.#isChained(this.#at + 1)) {
      this.#at++;
      const args = this.#operands();
      return this.#call(first.text, last ? [...args, last] : args);
    }
    const operand = this.#operand();
    if (last || this.#startsOperand()) return this.#fail(`${first.text || "the value"} is not a function`);
    return operand;
  }

  #operands(): Evaluate[] {
    const operands: Evaluate[] = [];
    while (this.#startsOperand()) operands.push(this.#operand());
    return operands;
  }

  #startsOperand(): boolean {
    const token = this.#peek();
    return token !== undefined && (token.kind !== "mark" || token.text === "(");
  }

  #operand(): Evaluate {
    const token = this.#next() as Token;
    let evaluate = this.#term(token);
    while (this.#isChained(this.#at)) {
      const field = fieldName((this.#next() as Token).text);
      evaluate = chain(evaluate, field);
    }
    return evaluate;
  }

  #isChained(at: number): boolean {
    const token = this.#tokens[at];
    return token?.kind === "field" && !token.spaced && token.text !== "";
  }

  #term(token: Token): Evaluate {
    switch (token.kind) {
      case "string":
      case "number": {
        const { value } = token;
        return () => value;
      }
      case "variable": {
        const slot = this.#scope.slotOf(token.text, this.#line);
        return ({ vars }) => vars[slot];
      }
      case "field":
        return token.text === "" ? ({ dot }) => dot : chain(({ dot }) => dot, fieldName(token.text));
      case "word": {
        if (!CONSTANTS.has(token.text)) return this.#call(token.text, []);
        const value = CONSTANTS.get(token.text);
        return () => value;
      }
      default: {
        if (token.text !== "(") return this.#fail(`unexpected ${token.text}`);
        const evaluate = this.#pipeline();
        if (!this.#isMark(")")) return this.#fail("a ) is missing");
        this.#at++;
        return evaluate;
      }
    }
  }

  #call(name: string, args: readonly Evaluate[]): Evaluate {
    // The two that do not look at all their arguments.
    if (name === "and") return shortCircuit(args, false);
    if (name === "or") return shortCircuit(args, true);
    if (!Object.hasOwn(this.#functions, name)) return this.#fail(`function "${name}" is not defined`);
    const call = this.#functions[name] as (...values: unknown[]) => unknown;
    const [a, b] = args;
    if (args.length === 1 && a) return (frame) => call(a(frame));
    if (args.length === 2 && a && b) return (frame) => call(a(frame), b(frame));
    return (frame) => call(...args.map((each) => each(frame)));
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#at];
  }

  #next(): Token | undefined {
    return this.#tokens[this.#at++];
  }

  #isMark(text: string): boolean {
    const token = this.#peek();
    return token?.kind === "mark" && token.text === text;
  }

  #fail(message: string): never {
    throw new TemplateError(message, this.#line);
  }
}

const CONSTANTS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ["true", true],
  ["false", false],
  ["nil", undefined],
]);

function chain(of: Evaluate, field: FieldName): Evaluate {
  return (frame: Frame) => fieldOf(of(frame), field);
}

/** The first argument that decides, or the last one. */
function shortCircuit(args: readonly Evaluate[], decides: boolean): Evaluate {
  return (frame) => {
    let value: unknown;
    for (const each of args) {
      value = each(frame);
      if (isTrue(value) === decides) return value;
    }
    return value;
  };
}
