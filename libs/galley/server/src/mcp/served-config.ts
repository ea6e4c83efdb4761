import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import type { CappedCounter, Metrics } from "@xebec/core-metrics";
import { CollectionStore, SourceSession } from "@xebec/galley-mcp";
import { type Bus, createRevisionReader, type RevisionChange } from "@xebec/platform-bus";

const log = logger("mcp");

/** What a session needs of its stream. */
export interface SourceStream {
  readonly peer: string;
  write(bytes: Uint8Array): unknown;
  fail(error: unknown): void;
}

export interface ServedConfig extends Component {
  /** Opens the source's side of a stream. */
  open(stream: SourceStream): SourceSession;
  end(session: SourceSession): void;
}

/**
 * The configuration as it is served over MCP: that of the bus, so that every replica of galley serves the same, whichever publishes.
 * All streams share the encoded objects.
 */
export function createServedConfig(bus: Bus, metrics: Metrics): ServedConfig {
  return new Served(bus, metrics);
}

class Served implements ServedConfig {
  readonly name = "configuration for MCP";
  readonly #sessions = new Set<SourceSession>();
  readonly #store = new CollectionStore({
    unsent: (object, reason) => log.error({ object, reason }, "the object has no message and is not sent over MCP"),
  });
  readonly #reader;
  readonly #nacks: CappedCounter<"collection" | "code">;

  constructor(bus: Bus, metrics: Metrics) {
    this.#reader = createRevisionReader({
      ...{ bus, bucket: "config", name: "config reader of MCP", metrics },
      apply: (change) => this.#apply(change),
    });
    metrics.gauge("galley_mcp_source_clients_total", "Streams of sinks", [], () => this.#sessions.size);
    this.#nacks = metrics.counter("galley_mcp_source_request_nacks_total", "Messages that sinks refused", [
      ...["collection" as const, "code" as const],
    ]);
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.#reader.start(signal);
  }

  missing(): readonly string[] {
    return this.#store.isWhole ? [] : (this.#reader.missing?.() ?? []);
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) session.close();
    await this.#reader.close?.();
  }

  open({ peer, write, fail }: SourceStream): SourceSession {
    const session = new SourceSession({
      store: this.#store,
      send: (bytes) => void write(bytes),
      failed: fail,
      refused: ({ collection, version, code, message }) => {
        this.#nacks.inc({ collection, code: String(code) });
        log.warn({ sink: peer, collection, version, code, reason: message }, "a sink refused configuration");
      },
    });
    this.#sessions.add(session);
    log.info({ sink: peer }, "a sink takes configuration over MCP");
    return session;
  }

  end(session: SourceSession): void {
    session.close();
    this.#sessions.delete(session);
  }

  #apply({ puts, deletes, first, revisions }: RevisionChange): void {
    const revision = Math.max(0, ...Object.values(revisions));
    const changed = first ? this.#store.replace(puts, revision) : this.#store.update({ puts, deletes }, revision);
    for (const session of this.#sessions)
      if (first) session.started();
      else session.changed(changed);
  }
}
