/** The kernel's seccomp machine for the instructions that libseccomp and we use (seccomp(2), linux/filter.h). */

export interface SystemCall {
  readonly arch: number;
  readonly number: number;
  readonly args?: readonly bigint[];
}

export const AUDIT_ARCH_X86_64 = 0xc000003e;
export const AUDIT_ARCH_I386 = 0x40000003;
export const X32_BIT = 0x40000000;

const LOAD_WORD = 0x20;
const AND = 0x54;
const JUMP = 0x05;
const JUMP_EQUAL = 0x15;
const JUMP_GREATER = 0x25;
const JUMP_GREATER_EQUAL = 0x35;
const JUMP_SET = 0x45;
const RETURN = 0x06;

/** What a filter answers to a call: the kernel's SECCOMP_RET_ value. @throws on a program that is not well formed */
export function runFilter(program: Uint8Array, call: SystemCall): number {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, call.number, true);
  data.setUint32(4, call.arch, true);
  (call.args ?? []).forEach((value, index) => {
    data.setBigUint64(16 + 8 * index, value, true);
  });
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
  let accumulator = 0;
  for (let at = 0; at * 8 < program.byteLength; at++) {
    const operation = code.getUint16(at * 8, true);
    const ifTrue = code.getUint8(at * 8 + 2);
    const ifFalse = code.getUint8(at * 8 + 3);
    const operand = code.getUint32(at * 8 + 4, true);
    const branch = (holds: boolean): void => {
      at += holds ? ifTrue : ifFalse;
    };
    if (operation === LOAD_WORD) accumulator = data.getUint32(operand, true);
    else if (operation === AND) accumulator = (accumulator & operand) >>> 0;
    else if (operation === JUMP) at += operand;
    else if (operation === JUMP_EQUAL) branch(accumulator === operand);
    else if (operation === JUMP_GREATER) branch(accumulator > operand);
    else if (operation === JUMP_GREATER_EQUAL) branch(accumulator >= operand);
    else if (operation === JUMP_SET) branch((accumulator & operand) !== 0);
    else if (operation === RETURN) return operand;
    else throw new Error(`instruction ${at}: unknown operation 0x${operation.toString(16)}`);
  }
  throw new Error("the program runs past its end");
}
