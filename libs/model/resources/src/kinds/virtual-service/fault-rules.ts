import type { Path } from "@xebec/model-schema";
import type { Checker } from "../../rules/checker.ts";
import type { HttpRoute } from "./http-route.ts";

/** A fault has a delay with a time, or an abort with one status. */
export function checkFault(fault: HttpRoute["fault"], path: Path, check: Checker): void {
  if (!fault) return;
  const { delay, abort } = fault;
  if (!delay && !abort) check.fail(path, "one of delay and abort is needed");
  checkPercentage(delay?.percentage?.value, [...path, "delay", "percentage", "value"], check);
  checkPercentage(abort?.percentage?.value, [...path, "abort", "percentage", "value"], check);
  if (delay && delay.fixedDelay === undefined) check.fail([...path, "delay", "fixedDelay"], "is required");
  check.duration(delay?.fixedDelay, [...path, "delay", "fixedDelay"]);
  if (!abort) return;
  const { httpStatus: status, grpcStatus } = abort;
  if (status !== undefined && (status < 200 || status > 599))
    check.fail([...path, "abort", "httpStatus"], `must be from 200 to 599, not ${status}`);
  if (status === undefined && grpcStatus === undefined)
    check.fail([...path, "abort"], "one of httpStatus and grpcStatus is needed");
  if (status !== undefined && grpcStatus !== undefined)
    check.fail([...path, "abort", "grpcStatus"], "cannot be together with httpStatus");
}

function checkPercentage(value: number | undefined, path: Path, check: Checker): void {
  if (value !== undefined && value > 0 && value < 0.0001)
    check.fail(path, `must be 0, or from 0.0001 to 100, not ${value}`);
}
