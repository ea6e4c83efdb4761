import { TemplateError } from "./template-error.ts";

/** Where a template writes. */
export interface Output {
  /** Text of the template itself. */
  text(text: string): void;
  /** What an action yields. @throws TemplateError for a value that cannot be written */
  value(value: unknown): void;
}

/** How much one execution may do before it is ended. */
export const MAX_STEPS = 200_000;
const MAX_DEPTH = 100;

/** The state of one execution. */
export class Frame {
  dot: unknown;
  /** The line of the action that runs. */
  line = 0;
  steps = 0;
  depth = 0;
  vars: unknown[];
  readonly root: unknown;
  readonly output: Output;

  constructor(root: unknown, output: Output, slots: number) {
    this.root = root;
    this.dot = root;
    this.output = output;
    this.vars = new Array<unknown>(slots).fill(undefined);
    this.vars[0] = root;
  }

  step(): void {
    if (++this.steps > MAX_STEPS) throw new TemplateError(`does more than ${MAX_STEPS} steps`);
  }

  /** Runs a template that another one calls: with variables of its own. */
  call(run: (frame: Frame) => void, slots: number, dot: unknown): void {
    if (++this.depth > MAX_DEPTH)
      throw new TemplateError(`templates call each other more than ${MAX_DEPTH} levels deep`);
    const { vars, dot: before } = this;
    this.vars = new Array<unknown>(slots).fill(undefined);
    this.vars[0] = dot;
    this.dot = dot;
    run(this);
    this.vars = vars;
    this.dot = before;
    this.depth--;
  }
}

export type Evaluate = (frame: Frame) => unknown;
/** Runs a part of a template. @returns how a loop goes on: undefined, or what ends the round or the loop */
export type Execute = (frame: Frame) => "break" | "continue" | undefined;
