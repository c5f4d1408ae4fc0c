// What Amplitude's SDKs share by a global object: identities and events. Whoever comes first makes
// it; what is made here is used by analytics-browser as if it had made it itself.

export interface Identity {
  userId?: string;
  deviceId?: string;
  userProperties?: Record<string, unknown>;
  optOut?: boolean;
}

type Listener = (identity: Identity) => void;
type Actions = Record<string, Record<string, unknown>>;

export interface IdentityEditor {
  setUserId(userId: string | undefined): IdentityEditor;
  setDeviceId(deviceId: string | undefined): IdentityEditor;
  setUserProperties(userProperties: Record<string, unknown>): IdentityEditor;
  setOptOut(optOut: boolean): IdentityEditor;
  updateUserProperties(actions: Actions): IdentityEditor;
  commit(): void;
}

export interface IdentityStore {
  editIdentity(): IdentityEditor;
  getIdentity(): Identity;
  setIdentity(identity: Identity): void;
  addIdentityListener(listener: Listener): void;
  removeIdentityListener(listener: Listener): void;
}

/** An event on its way to analytics. */
export interface ConnectorEvent {
  eventType: string;
  eventProperties?: Record<string, unknown>;
  userProperties?: Record<string, unknown>;
}

type Receiver = (event: ConnectorEvent) => void;

export interface EventBridge {
  /** Analytics, once it is there. */
  receiver?: Receiver;
  logEvent(event: ConnectorEvent): void;
  setEventReceiver(receiver: Receiver): void;
}

/** What one instance of analytics and one of experiments share. */
export interface Connector {
  identityStore: IdentityStore;
  eventBridge: EventBridge;
  applicationContextProvider: {
    versionName?: string;
    getApplicationContext(): Record<string, unknown>;
  };
}

/** The name of the global object. */
const GLOBAL = "analyticsConnectorInstances";
const EVENTS_MAX = 512;

/** The connector of an instance: the one there is, or a new one. */
export function connectorOf(instanceName: string): Connector {
  const scope = globalThis as { [GLOBAL]?: Record<string, Connector> };
  scope[GLOBAL] ??= {};
  scope[GLOBAL][instanceName] ??= {
    identityStore: newIdentityStore(),
    eventBridge: newEventBridge(),
    applicationContextProvider: newContextProvider(),
  };
  return scope[GLOBAL][instanceName];
}

function newContextProvider(): Connector["applicationContextProvider"] {
  return {
    versionName: undefined,
    getApplicationContext() {
      const language = globalThis.navigator?.languages?.[0] || globalThis.navigator?.language || "";
      return { versionName: this.versionName, language, platform: "Web" };
    },
  };
}

function newEventBridge(): EventBridge {
  let queue: ConnectorEvent[] = [];
  return {
    receiver: undefined,
    logEvent(event) {
      if (this.receiver) this.receiver(event);
      else if (queue.length < EVENTS_MAX) queue.push(event);
    },
    setEventReceiver(receiver) {
      this.receiver = receiver;
      const waiting = queue;
      queue = [];
      for (const event of waiting) receiver(event);
    },
  };
}

function newIdentityStore(): IdentityStore {
  let current: Identity = { userProperties: {} };
  const listeners = new Set<Listener>();
  const store: IdentityStore = {
    editIdentity: () => newEditor(current, (identity) => store.setIdentity(identity)),
    getIdentity: () => ({ ...current }),
    setIdentity(identity) {
      const before = current;
      current = { ...identity };
      if (isEqual(before, current)) return;
      for (const listener of [...listeners]) listener(identity);
    },
    addIdentityListener: (listener) => void listeners.add(listener),
    removeIdentityListener: (listener) => void listeners.delete(listener),
  };
  return store;
}

function newEditor(current: Identity, commit: (identity: Identity) => void): IdentityEditor {
  const draft = { ...current };
  const editor: IdentityEditor = {
    setUserId: (userId) => set({ userId }),
    setDeviceId: (deviceId) => set({ deviceId }),
    setUserProperties: (userProperties) => set({ userProperties }),
    setOptOut: (optOut) => set({ optOut }),
    updateUserProperties: (actions) =>
      set({ userProperties: updated(draft.userProperties ?? {}, actions) }),
    commit() {
      commit(draft);
      return editor;
    },
  };
  const set = (change: Identity) => {
    Object.assign(draft, change);
    return editor;
  };
  return editor;
}

/** The operations that make no difference if they are done twice; others are analytics' alone. */
function updated(properties: Record<string, unknown>, actions: Actions): Record<string, unknown> {
  let result = { ...properties };
  for (const [action, changes] of Object.entries(actions)) {
    if (action === "$clearAll") result = {};
    if (action === "$set") result = { ...result, ...changes };
    if (action === "$unset") for (const name of Object.keys(changes)) delete result[name];
  }
  return result;
}

function isEqual(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return false;
  const names = Object.keys(one);
  if (names.length !== Object.keys(other).length) return false;
  return names.every((name) => isEqual(one[name as keyof object], other[name as keyof object]));
}
