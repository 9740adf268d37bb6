/** Sizes of messages; apart, because declarations of those who use them need the DOM's types. */

/** Bytes of one message: what gRPC takes when nobody says otherwise. */
export const MESSAGE_BYTES_MAX = 4 << 20

/** Bytes of a request that strangers may send: a CSR and a token have about 1,000. */
export const STRANGER_MESSAGE_BYTES_MAX = 64 << 10
