// Who is logged in: one table for the tokens of both ways to log in. A session ends 8 hours after its login, after 10 minutes
// without a call (Dell's REST guide), with a logout, or with the gateway. An access token of 4.0 and later ends earlier.
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

import type { Clock } from "./clock";

const LIFETIME_MS = 8 * 60 * 60 * 1000;
const IDLE_MS = 10 * 60 * 1000;

const ISSUED_KEPT = 10_000;

interface Session {
  readonly expiresAt: number;
  lastUsedAt: number;
  readonly refreshToken?: string;
}

export interface AccessTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresInSeconds: number;
  readonly refreshExpiresInSeconds: number;
}

export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #issued: string[] = [];
  /** Expired ones are looked for when there are so many. */
  #sweepAt = 1000;

  constructor(
    private readonly clock: Clock,
    private readonly credentials: { readonly username: string; readonly password: string },
    private readonly accessTokenMs: number,
  ) {}

  /** Takes the same time whatever is wrong. */
  accepts(username: string, password: string): boolean {
    const [rightName, rightPassword] = [
      isSame(username, this.credentials.username),
      isSame(password, this.credentials.password),
    ];
    return rightName && rightPassword;
  }

  /** The token of /api/login. */
  open(): string {
    const now = this.clock.now();
    const token = Buffer.from(`${this.credentials.username}:${now}:${randomBytes(16).toString("hex")}`).toString(
      "base64",
    );
    this.#add(token, { expiresAt: now + LIFETIME_MS, lastUsedAt: now });
    return token;
  }

  /** The tokens of /rest/auth/login. */
  openWithAccessToken(): AccessTokens {
    const now = this.clock.now();
    const accessToken = randomBytes(48).toString("base64url");
    const refreshToken = randomBytes(48).toString("base64url");
    this.#add(accessToken, { expiresAt: now + this.accessTokenMs, lastUsedAt: now, refreshToken });
    return {
      accessToken,
      refreshToken,
      expiresInSeconds: Math.floor(this.accessTokenMs / 1000),
      refreshExpiresInSeconds: IDLE_MS / 1000,
    };
  }

  /** Whether the token is good; if so, its idle time starts anew. */
  use(token: string): boolean {
    const session = this.#sessions.get(token);
    if (!session) return false;
    if (this.#isExpired(session)) {
      this.#sessions.delete(token);
      return false;
    }
    session.lastUsedAt = this.clock.now();
    return true;
  }

  /** Ends the session of a token, or of a refresh token. */
  close(token: string): void {
    this.#sessions.delete(token);
    for (const [accessToken, { refreshToken }] of this.#sessions) {
      if (refreshToken === token) this.#sessions.delete(accessToken);
    }
  }

  closeAll(): void {
    this.#sessions.clear();
  }

  count(): number {
    this.#sweep();
    return this.#sessions.size;
  }

  /** The tokens that were given out last, good or not. */
  issued(): string[] {
    return [...this.#issued];
  }

  #add(token: string, session: Session): void {
    this.#issued.push(token, ...(session.refreshToken === undefined ? [] : [session.refreshToken]));
    if (this.#issued.length > ISSUED_KEPT) this.#issued.splice(0, this.#issued.length - ISSUED_KEPT);
    if (this.#sessions.size >= this.#sweepAt) {
      this.#sweep();
      this.#sweepAt = Math.max(1000, this.#sessions.size * 2);
    }
    this.#sessions.set(token, session);
  }

  #sweep(): void {
    for (const [token, session] of this.#sessions) if (this.#isExpired(session)) this.#sessions.delete(token);
  }

  #isExpired({ expiresAt, lastUsedAt }: Session): boolean {
    const now = this.clock.now();
    return now >= expiresAt || now - lastUsedAt >= IDLE_MS;
  }
}

function isSame(given: string, right: string): boolean {
  return timingSafeEqual(digest(given), digest(right));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
