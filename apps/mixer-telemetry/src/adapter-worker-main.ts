// The thread of a handler of an adapter that runs in a worker.
import "@xebec/mixer-serve/worker";
