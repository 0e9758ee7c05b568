// In place of the SDK's entry, which `edgewit build` puts before an application: nothing is installed.

export const start = (module) => module.default;
