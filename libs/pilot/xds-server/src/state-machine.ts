/** For each state, where each event leads; an event that is not listed cannot happen in it. */
export type Transitions<S extends string, E extends string> = Readonly<Record<S, Readonly<Partial<Record<E, S>>>>>;

/** The state after an event. @throws Error for an event that the table does not have: an error in this program */
export function nextState<S extends string, E extends string>(table: Transitions<S, E>, state: S, event: E): S {
  const next = table[state][event];
  if (next === undefined) throw new Error(`the event ${event} cannot happen in the state ${state}`);
  return next;
}
