// Builds a Go main for AWS Lambda with the Go toolchain of this machine: no
// Docker, and no network once the modules are in Go's cache.

import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

// buildLambda compiles a command of the module in source for linux/arm64 as
// bootstrap, the name that the provided.al2023 runtime starts, in a folder of its
// own, and returns that. The flags make the build reproducible (the same source gives
// the same bytes, so nothing is uploaded again), and leave out debug data and the RPC
// server of the retired go1.x runtime.
export function buildLambda(source: string, command: string, folder: string): string {
  mkdirSync(folder, { recursive: true });
  execFileSync(
    'go',
    ['build', '-trimpath', '-buildvcs=false', '-tags', 'lambda.norpc', '-ldflags', '-s -w',
      '-o', join(folder, 'bootstrap'), command],
    {
      cwd: source,
      env: { ...process.env, CGO_ENABLED: '0', GOOS: 'linux', GOARCH: 'arm64', GOWORK: 'off' },
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  return folder;
}
