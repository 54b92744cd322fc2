import type { RegisterHooksOptions } from 'node:module';
import { registerHooks } from 'node:module';

/** Preloaded into a child process: puts a gateway that does nothing in the place of the real one. */
const hooks: RegisterHooksOptions = {
  resolve: (specifier, context, next) =>
    specifier === '../gateway.ts'
      ? { url: new URL('./idle-gateway.ts', import.meta.url).href, shortCircuit: true }
      : next(specifier, context),
};

registerHooks(hooks);
