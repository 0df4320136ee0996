/* Plugin of QEMU that counts what a program for Cortex-M or RV32 executes between two
 * marks, the instructions of machine_begin and machine_end in tests/c/bare/machine.h.
 *
 * Argument out=FILE. A line for each pair of marks:
 *   instructions multiplications words branches extra
 * words are loads and stores, each register of a list counted; branches are those that
 * are taken. On ARM `extra` counts calls and returns that pop: on a Cortex-M0+ each
 * instruction takes one cycle, one more for each word, for each branch, and for each
 * `extra`, and 31 more for each multiplication where the multiplier is the small one.
 * Not modelled: wait states of the flash.
 *
 * The interface of QEMU is declared here, since distributions do not have its header;
 * version 4 is that of QEMU 9.2 and later. */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

typedef struct {
    const char *target_name; /* followed by more */
} plugin_info;

EXPORTED extern int qemu_plugin_version;
EXPORTED int qemu_plugin_install(plugin_id id, const plugin_info *info, int argc,
                                 char **argv);

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
                                           void (*translated)(plugin_id,
                                                              struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
                                            void (*executed)(unsigned, void *),
                                            int registers, void *userdata);
void qemu_plugin_register_atexit_cb(plugin_id id, void (*ended)(plugin_id, void *),
                                    void *userdata);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block,
                                                 size_t index);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to,
                             size_t size);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

int qemu_plugin_version = 4;

/* What executing an instruction counts. */
typedef struct {
    uint64_t address;
    uint8_t size;
    uint8_t is_begin, is_end;
    uint8_t multiplies, words, extra;
} instruction;

static FILE *out;
static int is_riscv;
static int is_on;
static uint64_t next_address; /* of the instruction that follows without a branch */
static uint64_t instructions, multiplications, words, branches, extra;

static void executed(unsigned cpu, void *userdata)
{
    const instruction *i = userdata;
    (void)cpu;
    if (i->is_begin) {
        is_on = 1;
        next_address = i->address + i->size;
        instructions = multiplications = words = branches = extra = 0;
        return;
    }
    if (!is_on) return;
    branches += i->address != next_address;
    if (i->is_end) {
        is_on = 0;
        fprintf(out, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
                instructions, multiplications, words, branches, extra);
        return;
    }
    next_address = i->address + i->size;
    ++instructions;
    multiplications += i->multiplies;
    words += i->words;
    extra += i->extra;
}

static uint8_t n_registers(unsigned list)
{
    return (uint8_t)__builtin_popcount(list);
}

/* Thumb instructions of 16 bits. */
static void classify_short(instruction *i, unsigned code)
{
    const unsigned top = code >> 12;
    i->is_begin = code == 0x46C9;
    i->is_end = code == 0x46D2;
    i->multiplies = (code & 0xFFC0) == 0x4340;
    if ((code & 0xF800) == 0x4800 || (top >= 5 && top <= 9)) {
        i->words = 1; /* a load or a store */
    } else if ((code & 0xF600) == 0xB400) {
        i->words = n_registers(code & 0x1FF); /* push, pop */
        i->extra = (code & 0xFF00) == 0xBD00; /* pop of pc */
    } else if (top == 0xC) {
        i->words = n_registers(code & 0xFF); /* a list */
    }
}

/* Thumb instructions of 32 bits: a Cortex-M0+ has calls only, the rest is for M4. */
static void classify_long(instruction *i, unsigned code, unsigned second)
{
    if ((code & 0xF800) == 0xF000 && (second & 0xD000) == 0xD000) {
        i->extra = 1;
    } else if ((code & 0xFF00) == 0xFB00) {
        const int divides = (code & 0xFFD0) == 0xFB90 && (second & 0xF0) == 0xF0;
        i->multiplies = !divides;
    } else if ((code & 0xFE00) == 0xF800) {
        i->words = 1;
    } else if ((code & 0xFE40) == 0xE840) {
        i->words = 2; /* a pair */
    } else if ((code & 0xFE40) == 0xE800) {
        i->words = n_registers(second);
    } else if ((code & 0xEE00) == 0xEC00) {
        i->words = 1; /* a float */
    }
}

static void classify_riscv(instruction *i, uint32_t code)
{
    const uint32_t function = code >> 13 & 7;
    if (i->size == 2) { /* lw, sw, and those relative to sp */
        i->words = (code & 1) == 0 && (function == 2 || function == 6);
        return;
    }
    i->is_begin = code == 0x00102013;
    i->is_end = code == 0x00202013;
    i->words = (code & 0x5F) == 0x03;
    i->multiplies = (code & 0xFE00407F) == 0x02000033;
}

static void translated(plugin_id id, struct qemu_plugin_tb *block)
{
    (void)id;
    for (size_t k = 0; k < qemu_plugin_tb_n_insns(block); ++k) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, k);
        instruction *i = calloc(1, sizeof *i); /* needed until the end */
        if (i == NULL) abort();
        uint16_t code[2] = {0, 0};
        i->size = (uint8_t)qemu_plugin_insn_size(insn);
        i->address = qemu_plugin_insn_vaddr(insn);
        qemu_plugin_insn_data(insn, code, sizeof code);
        if (is_riscv) {
            classify_riscv(i, code[0] | (uint32_t)code[1] << 16);
        } else if (i->size == 2) {
            classify_short(i, code[0]);
        } else {
            classify_long(i, code[0], code[1]);
        }
        qemu_plugin_register_vcpu_insn_exec_cb(insn, executed, 0, i);
    }
}

static void ended(plugin_id id, void *userdata)
{
    (void)id;
    (void)userdata;
    fclose(out);
}

EXPORTED int qemu_plugin_install(plugin_id id, const plugin_info *info, int argc,
                                 char **argv)
{
    is_riscv = strncmp(info->target_name, "riscv", 5) == 0;
    for (int k = 0; k < argc; ++k) {
        if (strncmp(argv[k], "out=", 4) == 0) out = fopen(argv[k] + 4, "w");
    }
    if (out == NULL) return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
