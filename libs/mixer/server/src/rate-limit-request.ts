import { UInt64ValueSchema } from "@bufbuild/protobuf/wkt";
import {
  RateLimitDescriptor_EntrySchema,
  RateLimitDescriptorSchema,
} from "@xebec/api-envoy/envoy/extensions/common/ratelimit/v3/ratelimit";
import { RateLimitRequestSchema } from "@xebec/api-envoy/envoy/service/ratelimit/v3/rls";
import { XebecError } from "@xebec/core-errors";
import { fieldNumbers } from "@xebec/model-attributes/wire";
import { MessageView } from "./message-view.ts";

/** Most descriptors of a request, and entries of a descriptor: each descriptor is a quota that is asked by itself. */
const MOST = 100;
const REQUEST = fieldNumbers(RateLimitRequestSchema);
const DESCRIPTOR = fieldNumbers(RateLimitDescriptorSchema);
const ENTRY = fieldNumbers(RateLimitDescriptor_EntrySchema);
const VALUE = fieldNumbers(UInt64ValueSchema).value;

/** One pair of a descriptor. */
export interface RateLimitEntry {
  readonly key: string;
  readonly value: string;
}

/** What is asked for of the quota that the domain names. */
export interface RateLimitRequest {
  readonly domain: string;
  /** Entries, and how many units are taken. */
  readonly descriptors: readonly { readonly entries: readonly RateLimitEntry[]; readonly amount: number }[];
}

/** Reads requests of `envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit`; one reader for all. */
export class RateLimitRequestReader {
  readonly #request = new MessageView(RateLimitRequestSchema);
  readonly #descriptor = new MessageView(RateLimitDescriptorSchema);
  readonly #entry = new MessageView(RateLimitDescriptor_EntrySchema);
  readonly #hits = new MessageView(UInt64ValueSchema);

  /** @throws XebecError invalid_argument when it is no such request, or has too many descriptors or entries */
  read(bytes: Buffer): RateLimitRequest {
    const request = this.#request.read(bytes, 0, bytes.length);
    const hits = request.number(REQUEST.hitsAddend) || 1;
    const descriptors: { entries: RateLimitEntry[]; amount: number }[] = [];
    request.forEach(REQUEST.descriptors, (pos, end) => {
      const entries: RateLimitEntry[] = [];
      const descriptor = this.#descriptor.read(bytes, pos, end);
      descriptor.forEach(DESCRIPTOR.entries, (from, to) => {
        const entry = this.#entry.read(bytes, from, to);
        entries.push({ key: entry.text(ENTRY.key), value: entry.text(ENTRY.value) });
        checkMost(entries.length);
      });
      const own = descriptor.message(DESCRIPTOR.hitsAddend, this.#hits);
      descriptors.push({ entries, amount: own ? this.#hits.number(VALUE) : hits });
      checkMost(descriptors.length);
    });
    return { domain: request.text(REQUEST.domain), descriptors };
  }
}

function checkMost(count: number): void {
  if (count > MOST)
    throw new XebecError("invalid_argument", `a request may have ${MOST} descriptors of ${MOST} entries`);
}
