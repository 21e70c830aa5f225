// The version of the release that a program is of: operator and sidecar tell each other's by it. That of package.json.
export const VERSION = '0.1.0';
