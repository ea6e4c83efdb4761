import { type Span, type SpanOptions, SpanStatusCode, trace } from "@opentelemetry/api";

const tracer = trace.getTracer("xebec");

/**
 * Runs `work` inside a span. Without a registered OpenTelemetry provider this costs one call.
 * @param name the span's name, for example `pilot.push`
 * @throws whatever `work` throws, after it was recorded in the span
 */
export function traced<T>(name: string, options: SpanOptions, work: (span: Span) => T): T {
  return tracer.startActiveSpan(name, options, (span) => {
    const fail = (error: unknown): never => {
      span.recordException(error as Error);
      span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
      throw error;
    };
    try {
      const result = work(span);
      if (result instanceof Promise)
        return result.then((value) => {
          span.end();
          return value;
        }, fail) as T;
      span.end();
      return result;
    } catch (error) {
      return fail(error);
    }
  });
}
