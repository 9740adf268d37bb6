/** The suites as plainly as node:crypto can say them, to compare with and to seal packets with. */
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { assert, checkKeySize, CIPHER_SUITES, type Cipher, type CipherSuite } from '@weft/core'

type Algorithm = 'aes-128-gcm' | 'chacha20-poly1305'

function suiteOf(name: CipherSuite['name'], algorithm: Algorithm): CipherSuite {
  const { keyBytes, tagBytes } = CIPHER_SUITES[name]
  const options = { authTagLength: tagBytes }
  const suite: CipherSuite = {
    name,
    keyBytes,
    tagBytes,
    open(key): Cipher {
      checkKeySize(name, key.length)
      const own = Buffer.from(key)
      let isOpen = true
      return {
        suite,
        seal(bytes, start, end, nonce, associated) {
          assert(isOpen, 'open')
          const cipher = createCipheriv(algorithm as 'chacha20-poly1305', own, nonce, options)
          cipher.setAAD(associated, { plaintextLength: end - start })
          const sealed = [cipher.update(bytes.slice(start, end)), cipher.final()]
          bytes.set(Buffer.concat([...sealed, cipher.getAuthTag()]), start)
        },
        open(bytes, start, end, nonce, associated) {
          assert(isOpen, 'open')
          const text = bytes.slice(start, end - tagBytes)
          const cipher = createDecipheriv(algorithm as 'chacha20-poly1305', own, nonce, options)
          cipher.setAAD(associated, { plaintextLength: text.length })
          cipher.setAuthTag(bytes.slice(end - tagBytes, end))
          try {
            bytes.set(Buffer.concat([cipher.update(text), cipher.final()]), start)
            return true
          } catch {
            return false
          }
        },
        close() {
          own.fill(0)
          isOpen = false
        },
      }
    },
  }
  return suite
}

/** AES-128-GCM with a tag of 8 bytes: Docker's. */
export const GCM_8 = suiteOf('aes-128-gcm-8', 'aes-128-gcm')

/** AES-128-GCM with a tag of 16 bytes. */
export const GCM_16 = suiteOf('aes-128-gcm-16', 'aes-128-gcm')

/** ChaCha20-Poly1305. */
export const CHACHA = suiteOf('chacha20-poly1305', 'chacha20-poly1305')
