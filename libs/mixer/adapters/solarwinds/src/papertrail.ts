import { SinkAnswerError } from "@xebec/mixer-sinks";
import { UdpSender } from "@xebec/platform-udp";

/** Lines longer than this are cut: Papertrail takes no longer datagram. */
const MAX_LINE = 8_000;

/** A line for Papertrail. */
export interface PapertrailLine {
  /** RFC 3339. */
  readonly time: string;
  readonly text: string;
}

/** Sends lines as syslog of RFC 5424 over UDP, with the tag `istio`. */
export class Papertrail {
  readonly #sender: UdpSender;
  readonly #host: string;

  constructor(
    target: { readonly host: string; readonly port: number },
    refusal: (address: string) => string | undefined,
  ) {
    this.#sender = new UdpSender({
      ...target,
      refusal,
      failed: (error) => {
        this.#error = error;
      },
    });
    this.#host = process.env.HOSTNAME ?? "mixer";
  }

  #error: Error | undefined;

  start(): Promise<void> {
    return this.#sender.start();
  }

  /** @throws Error when a line was not sent */
  async send(lines: readonly PapertrailLine[]): Promise<void> {
    const before = this.#sender.lost;
    // Facility user, severity info.
    for (const { time, text } of lines)
      this.#sender.send(`<14>1 ${time} ${this.#host} istio - - - ${text.replace(/[\r\n]+/g, " ").slice(0, MAX_LINE)}`);
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#sender.lost > before)
      throw new SinkAnswerError(`lines were lost: ${this.#error?.message ?? "no address"}`, 0, 500);
  }

  close(): Promise<void> {
    return this.#sender.close();
  }
}
