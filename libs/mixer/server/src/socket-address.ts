import { MessageView } from "./message-view.ts";

/** Reads the IP and port of envoy.config.core.v3.Address. */
export class SocketAddressReader {
  readonly #address = new MessageView(1);
  readonly #socket = new MessageView(3);
  ip = "";
  port = 0;

  /** Takes a message field that holds an Address. @returns whether it has an IP address */
  read(view: MessageView, field: number): boolean {
    this.ip = "";
    this.port = 0;
    if (!view.message(field, this.#address) || !this.#address.message(1, this.#socket)) return false;
    this.ip = this.#socket.text(2);
    this.port = this.#socket.number(3);
    return this.ip !== "";
  }
}
