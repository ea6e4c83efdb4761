import { CODES } from "@xebec/core-errors";
import { type CheckOutcome, type HeaderOperation, httpStatusOf } from "@xebec/mixer-runtime";
import { WireWriter } from "@xebec/model-attributes";
import { type GrpcService, rawUnary } from "@xebec/platform-grpc";
import { BagPool } from "./bag-pool.ts";
import { ExtAuthzBag } from "./ext-authz-bag.ts";
import { type MixerServiceParts, snapshotOf } from "./service-parts.ts";

/** CheckResponse with status OK and nothing else. */
const ALLOWED = new WireWriter().data(1, new Uint8Array(0)).finish();
/** envoy.config.core.v3.HeaderValueOption.HeaderAppendAction */
const APPEND_OR_ADD = 0;
const OVERWRITE_OR_ADD = 2;

const names = new Map(Object.entries(CODES).map(([name, [code]]) => [code as number, name.toUpperCase()]));

/** `envoy.service.auth.v3.Authorization/Check`: Envoy's ext_authz filter, for HTTP and TCP. */
export function extAuthzService({ runtime, index, shedder, meters }: MixerServiceParts): GrpcService {
  const pool = new BagPool((layout) => new ExtAuthzBag(layout, index));
  const writer = new WireWriter(512);
  return rawUnary("/envoy.service.auth.v3.Authorization/Check", (bytes) => {
    shedder.admit(1);
    const since = shedder.begin();
    const snapshot = snapshotOf(runtime);
    const bag = pool.take(snapshot);
    bag.start(bytes);
    const answer = (outcome: CheckOutcome): Uint8Array => {
      meters.check(outcome.code);
      if (outcome.code !== 0) return denied(writer, outcome, bag.isHttp);
      return outcome.requestHeaders.length + outcome.responseHeaders.length === 0
        ? ALLOWED
        : allowed(writer, outcome, bag);
    };
    const done = (): void => {
      shedder.end(since);
      pool.give(bag);
    };
    const outcome = snapshot.check(bag);
    if (outcome instanceof Promise) return outcome.then(answer).finally(done);
    const reply = answer(outcome);
    done();
    return reply;
  });
}

function denied(
  writer: WireWriter,
  { code, message, direct, responseHeaders }: CheckOutcome,
  isHttp: boolean,
): Uint8Array {
  writer.message(1, () => writer.uint32(1, code).text(2, message));
  if (isHttp)
    writer.message(2, () => {
      writer.message(1, () => writer.uint32(1, direct?.code ?? httpStatusOf(code)));
      for (const { name, value } of responseHeaders)
        writer.message(2, () => writeHeader(writer, name, value, OVERWRITE_OR_ADD));
      const body = direct ? direct.body : `${names.get(code) ?? code}:${message}`;
      if (body !== "") writer.text(3, body);
    });
  return writer.finish();
}

/**
 * Header operations as Envoy can do them: a header of the request is appended to only when it is there, and headers of the
 * response cannot be removed.
 */
function allowed(writer: WireWriter, { requestHeaders, responseHeaders }: CheckOutcome, bag: ExtAuthzBag): Uint8Array {
  writer.data(1, new Uint8Array(0));
  writer.message(3, () => {
    for (const each of requestHeaders)
      if (each.operation === "REMOVE") writer.text(5, each.name);
      else writer.message(2, () => writeRequestHeader(writer, each, bag));
    for (const { name, value, operation } of responseHeaders) {
      if (operation === "REMOVE") continue;
      const action = operation === "APPEND" ? APPEND_OR_ADD : OVERWRITE_OR_ADD;
      writer.message(6, () => writeHeader(writer, name, value, action));
    }
  });
  return writer.finish();
}

function writeHeader(writer: WireWriter, name: string, value: string, action: number): void {
  writer.message(1, () => writer.text(1, name).text(2, value)).uint32(3, action);
}

function writeRequestHeader(writer: WireWriter, { name, value, operation }: HeaderOperation, bag: ExtAuthzBag): void {
  writer.message(1, () => writer.text(1, name).text(2, value));
  if (operation === "APPEND" && bag.headers.get(name.toLowerCase()) !== undefined)
    writer.message(2, () => writer.bool(1, true));
}
