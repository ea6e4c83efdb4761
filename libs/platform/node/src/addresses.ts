import { XebecError } from "@xebec/core-errors";

/** The addresses of one pod range, for example 10.244.0.0/24: network, broadcast and the first one are left out. */
export class AddressPool {
  readonly #first: number;
  readonly #last: number;
  readonly #taken = new Map<string, number>();
  #next: number;

  constructor(cidr: string) {
    const [base = "", bits = "24"] = cidr.split("/");
    const network = numberOf(base);
    this.#first = network + 2;
    this.#last = network + 2 ** (32 - Number(bits)) - 2;
    this.#next = this.#first;
  }

  /**
   * The address of an owner; addresses are used again as late as possible.
   * @param wanted the one that it had before; it gets it again when it is free
   * @throws XebecError resource_exhausted
   */
  take(owner: string, wanted = ""): string {
    const known = this.#taken.get(owner);
    if (known !== undefined) return text(known);
    const used = new Set(this.#taken.values());
    const before = numberOf(wanted);
    if (before >= this.#first && before <= this.#last && !used.has(before)) {
      this.#taken.set(owner, before);
      if (before === this.#next) this.#next++;
      return wanted;
    }
    for (let tried = this.#first; tried <= this.#last; tried++) {
      const number = this.#next;
      this.#next = this.#next >= this.#last ? this.#first : this.#next + 1;
      if (used.has(number)) continue;
      this.#taken.set(owner, number);
      return text(number);
    }
    throw new XebecError("resource_exhausted", "no address is left in the node's range");
  }

  give(owner: string): void {
    this.#taken.delete(owner);
  }
}

function numberOf(address: string): number {
  return address.split(".").reduce((value, part) => value * 256 + Number(part), 0);
}

function text(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join(".");
}
