import { AddressSchema, SocketAddressSchema } from "@xebec/api-envoy/envoy/config/core/v3/address";
import { fieldNumbers } from "@xebec/model-attributes/wire";
import { MessageView } from "./message-view.ts";

const ADDRESS = fieldNumbers(AddressSchema);
const SOCKET = fieldNumbers(SocketAddressSchema);

/** Reads the IP and port of envoy.config.core.v3.Address. */
export class SocketAddressReader {
  readonly #address = new MessageView(AddressSchema);
  readonly #socket = new MessageView(SocketAddressSchema);
  ip = "";
  port = 0;

  /** Takes a message field that holds an Address. @returns whether it has an IP address */
  read(view: MessageView, field: number): boolean {
    this.ip = "";
    this.port = 0;
    if (!view.message(field, this.#address) || !this.#address.message(ADDRESS.socketAddress, this.#socket))
      return false;
    this.ip = this.#socket.text(SOCKET.address);
    this.port = this.#socket.number(SOCKET.portValue);
    return this.ip !== "";
  }
}
