import { XebecError } from "@xebec/core-errors";
import { encodeCall } from "@xebec/mixer-wire";
import type { Bus } from "@xebec/platform-bus";
import type { Channel } from "./channel.ts";

/**
 * Asks one of the copies that answer on the bus.
 * @param name of the copies, which share their calls
 */
export function openBusChannel(bus: Bus | undefined, name: string, timeoutMs: number): Channel {
  return {
    async start() {
      if (!bus) throw new XebecError("failed_precondition", `bus://${name} needs a bus; this process has none`);
    },
    async call(path, request) {
      if (!bus) throw new XebecError("unavailable", "this process has no bus");
      return bus.request(`adapters.${name}`, encodeCall(path, request), { timeoutMs });
    },
    close() {},
  };
}
