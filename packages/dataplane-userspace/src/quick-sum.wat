;; The Internet checksum's sum (RFC 1071), 32 bytes a turn: the source of quick-sum-module.ts.
;; Packets stand in the memory of whoever makes an instance.
(module
  (import "packets" "memory" (memory 1))

  ;; The sum of the bytes from start to end as little-endian words, folded to 16 bits.
  (func (export "sum") (param $at i32) (param $end i32) (result i32)
    (local $words v128) (local $low v128) (local $high v128) (local $sum i64)

    ;; 32-bit words, added in lanes of 64 bits: they cannot overflow in a memory of 4 GiB.
    (block $done
      (loop $more
        (br_if $done
          (i32.gt_u (i32.add (local.get $at) (i32.const 32)) (local.get $end)))
        (local.set $words (v128.load (local.get $at)))
        (local.set $low
          (i64x2.add (local.get $low) (i64x2.extend_low_i32x4_u (local.get $words))))
        (local.set $high
          (i64x2.add (local.get $high) (i64x2.extend_high_i32x4_u (local.get $words))))
        (local.set $words (v128.load offset=16 (local.get $at)))
        (local.set $low
          (i64x2.add (local.get $low) (i64x2.extend_low_i32x4_u (local.get $words))))
        (local.set $high
          (i64x2.add (local.get $high) (i64x2.extend_high_i32x4_u (local.get $words))))
        (local.set $at (i32.add (local.get $at) (i32.const 32)))
        (br $more)))
    (local.set $low (i64x2.add (local.get $low) (local.get $high)))
    (local.set $sum
      (i64.add
        (i64x2.extract_lane 0 (local.get $low))
        (i64x2.extract_lane 1 (local.get $low))))

    ;; What is left, two bytes a turn; an odd last byte is the low half.
    (block $done
      (loop $more
        (br_if $done
          (i32.gt_u (i32.add (local.get $at) (i32.const 2)) (local.get $end)))
        (local.set $sum (i64.add (local.get $sum) (i64.load16_u (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 2)))
        (br $more)))
    (if (i32.lt_u (local.get $at) (local.get $end))
      (then (local.set $sum (i64.add (local.get $sum) (i64.load8_u (local.get $at))))))

    ;; 64 bits to 32, to 16, and what was carried to 16 again.
    (local.set $sum
      (i64.add
        (i64.and (local.get $sum) (i64.const 0xffffffff))
        (i64.shr_u (local.get $sum) (i64.const 32))))
    (local.set $sum
      (i64.add
        (i64.and (local.get $sum) (i64.const 0xffff))
        (i64.shr_u (local.get $sum) (i64.const 16))))
    (local.set $sum
      (i64.add
        (i64.and (local.get $sum) (i64.const 0xffff))
        (i64.shr_u (local.get $sum) (i64.const 16))))
    (i32.wrap_i64
      (i64.add
        (i64.and (local.get $sum) (i64.const 0xffff))
        (i64.shr_u (local.get $sum) (i64.const 16))))))
