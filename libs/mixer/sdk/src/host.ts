/** Time as adapters see it; a test gives its own. */
export interface Clock {
  /** Milliseconds since 1970 UTC. */
  now(): number;
  /** Calls `work` every `ms` milliseconds until the returned function is called. Does not keep the process alive. */
  every(ms: number, work: () => void): () => void;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  every(ms, work) {
    const timer = setInterval(work, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
};

/** What handlers may reach outside of their process. Operators decide, by `--handlerNetworks` and `--handlerDirs`. */
export interface HandlerLimits {
  /** @param address an IP address @returns why it may not be called, a clause; undefined when it may */
  addressRefusal(address: string): string | undefined;
  /** @param path an absolute path @returns why the file may not be written, a clause; undefined when it may */
  fileRefusal(path: string): string | undefined;
  /** Directories below which handlers may write files. */
  readonly directories: readonly string[];
}

/** Metrics in a string format, for a scraper. */
export interface Exposition {
  readonly contentType: string;
  text(): string;
}

/** What adapters may use of the process that runs them. */
export interface AdapterHost {
  readonly limits: HandlerLimits;
  /** Serves metrics on the port that the service has for them (`--prometheusAddr`). */
  expose(exposition: Exposition): void;
}

/** Limits by which handlers reach nothing. */
export const NO_REACH: HandlerLimits = {
  addressRefusal: (address) => `${address} is not open to handlers`,
  fileRefusal: () => "no directory is open to files of handlers",
  directories: [],
};
