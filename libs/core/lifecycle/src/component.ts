/**
 * A named part of a service. A service is a list of components, so that the same parts run as six processes or as one.
 * Sockets, files and timers belong to the component that opened them and end with its `close`.
 */
export interface Component {
  readonly name: string;
  /** Acquires what it needs and returns; long work goes on in the background until `signal` aborts or `close` is called. */
  start(signal: AbortSignal): Promise<void>;
  /** What is still missing before it can serve, in words for `/readyz`; empty or absent means ready. */
  missing?(): readonly string[];
  /** Stops taking new work, finishes what is in flight, releases what `start` acquired. */
  close?(): Promise<void>;
}

/** What the components miss, each line with the component's name before it. */
export function missingOf(components: readonly Component[]): string[] {
  return components.flatMap((each) => (each.missing?.() ?? []).map((line) => `${each.name}: ${line}`));
}

/**
 * Makes one component of several: started in order, closed in reverse order; a failed start closes what had started, and a close
 * during the start lets no further one start.
 */
export function compose(name: string, components: readonly Component[]): Component {
  const started: Component[] = [];
  let closed = false;
  const closeAll = async (): Promise<void> => {
    closed = true;
    const errors: unknown[] = [];
    for (const each of started.splice(0).reverse()) {
      try {
        await each.close?.();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, `${name}: ${errors.length} components failed to close`);
  };
  return {
    name,
    async start(signal) {
      closed = false;
      for (const each of components) {
        if (closed) return;
        try {
          started.push(each);
          await each.start(signal);
        } catch (error) {
          await closeAll();
          throw error;
        }
      }
    },
    missing: () => missingOf(components),
    close: closeAll,
  };
}
