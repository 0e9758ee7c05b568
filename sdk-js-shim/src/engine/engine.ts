// What the SDK needs of an engine beside the names of the Web. Each engine is a folder here, whose `main.ts` has it:
// Node is one as `engine` alone, those of components as `component`, too. The import `#engine` of package.json says
// which one there is. What engines share is beside this file.

import type { EdgeInit } from "../message.js";

/** What has fields and a body. */
export type Message = Request | Response;

/** What a message was made of: nothing, bytes or text, something else that is whole, or a stream. */
export type Made =
  | { kind: "none" }
  | { kind: "bytes"; bytes: Uint8Array<ArrayBuffer> | string }
  | { kind: "whole" }
  | { kind: "stream" };

/** What a request may be asked to be. */
export type Asked = RequestInit & { edge?: EdgeInit };

/** A frame of a stack: the function's name, empty if it has none, and its place in the bundle, counted from 1. */
export interface Frame {
  name: string;
  line: number;
  column: number;
}

/** Any engine. */
export interface Engine {
  /** Makes the names of the Web what the Web says, as far as applications need it. */
  install(): void;
  /** What a message was made of, which its constructor has to remember: afterwards, all bodies look alike. */
  madeOf(message: Message): Made;
  /** Whether a reader holds the body of a message, without a stream being made of what nobody looked at. */
  isLocked(message: Message): boolean;
  /** A part of what a request was asked to be, by itself or by the request that it was made from. */
  askedFor<Key extends keyof Asked>(request: Request, key: Key): Asked[Key] | undefined;
  /** A request, the one that it was made from or asked to be like, and so on. */
  origins(request: Request): Iterable<Request>;
  /** What to add to an exception's text that says that something is not there: what to use instead, or nothing. */
  insteadOf(text: string): string;
}

/** An engine that components are built on. */
export interface Component {
  /** A request as a host tells of it: what a constructor would refuse, or have to remember, is not in it. */
  received(url: string, init: RequestInit): Request;
  /** Calls `run` once no promise reaction is left. */
  later(run: () => void): void;
  /** Has the `stack` of every error be what `write` makes of its frames, innermost first. */
  writeStacks(write: (error: Error, frames: Iterable<Frame>) => string): void;
  /**
   * Has `check` be called with the name of a key's algorithm before one is imported that brings a source of randomness
   * of its own with it.
   */
  beforeKeys(check: (algorithm: string) => void): void;
  /**
   * Has `stream`, of which something was read without it, count as read: so says `bodyUsed` of what it is the body of.
   */
  disturb(stream: ReadableStream): void;
  /** Called where the top level of an application has ended. */
  built(): void;
  /**
   * Calls `tell` with what each promise was rejected with that was rejected since then and that nobody handles, without
   * those of earlier calls.
   */
  tellRejections(tell: (reason: unknown) => void): Promise<void>;
}
