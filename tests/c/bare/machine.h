/* What the firmware needs of the machine it runs on: to write, to end, marks around the
 * code that is measured, and the stack. Machines without an operating system are
 * Cortex-M (semihosting), the RISC-V machine `virt` of QEMU, and AVRs with one serial
 * port or more, in simavr; the rest is a computer with stdio.h. */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdint.h>

#define STACK_BYTES 16384 /* painted below the stack pointer, where there is room */

#if defined __AVR__
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>

#define MACHINE_IS_BARE
#define MACHINE_HAS_TIMER
#define MACHINE_FLASH __flash

extern uint8_t __heap_start;

static inline void machine_start(void)
{
    UBRR0 = 0; /* the fastest: waiting for the port is not what is measured */
    UCSR0A = 1 << U2X0;
    UCSR0B = 1 << TXEN0;
    TCCR1A = 0;
    TCCR1B = 1 << CS12; /* the timer counts 256 cycles each */
}

static inline void machine_put(char c)
{
    while (!(UCSR0A & (1 << UDRE0))) continue;
    UDR0 = (uint8_t)c;
}

/* A long line is broken between two texts: simavr would do so after 255 characters. */
static inline void machine_write(const char *text)
{
    static uint8_t column;
    if (column > 200) {
        machine_put('\n');
        column = 0;
    }
    for (; *text; ++text, ++column) {
        machine_put(*text);
        if (*text == '\n') column = 0;
    }
}

static inline void machine_stop(void)
{
    while (!(UCSR0A & (1 << TXC0))) continue;
    cli();
    sleep_enable();
    sleep_cpu(); /* without interrupts the simulator ends here */
}

static inline void machine_begin(void)
{
    TIFR1 = 1 << TOV1;
    TCNT1 = 0;
}

static inline uint16_t machine_end(void)
{
    return TCNT1;
}

static inline uint8_t *machine_stack(void)
{
    return (uint8_t *)SP;
}

static inline uint8_t *machine_stack_limit(void)
{
    return &__heap_start;
}

#elif defined __arm__ && !defined __linux__

#define MACHINE_IS_BARE
#define MACHINE_FLASH

static inline void machine_call(int operation, const void *argument)
{
    register int r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = argument;
    __asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

static inline void machine_start(void)
{
}

static inline void machine_write(const char *text)
{
    machine_call(0x04, text);
}

static inline void machine_stop(void)
{
    machine_call(0x18, (const void *)0x20026);
}

/* Instructions that do nothing, which benchmarks/microcontroller/counter.c looks for.
 */
static inline __attribute__((always_inline)) void machine_begin(void)
{
    __asm volatile("mov r9, r9" ::: "memory");
}

static inline __attribute__((always_inline)) uint16_t machine_end(void)
{
    __asm volatile("mov r10, r10" ::: "memory");
    return 0;
}

static inline uint8_t *machine_stack(void)
{
    uint8_t *sp;
    __asm volatile("mov %0, sp" : "=r"(sp));
    return sp;
}

#elif defined __riscv && !defined __linux__

#define MACHINE_IS_BARE
#define MACHINE_FLASH

static inline void machine_start(void)
{
}

static inline void machine_write(const char *text)
{
    for (; *text; ++text) *(volatile uint8_t *)0x10000000 = (uint8_t)*text;
}

static inline void machine_stop(void)
{
    *(volatile uint32_t *)0x100000 = 0x5555;
}

static inline __attribute__((always_inline)) void machine_begin(void)
{
    __asm volatile("slti x0, x0, 1" ::: "memory");
}

static inline __attribute__((always_inline)) uint16_t machine_end(void)
{
    __asm volatile("slti x0, x0, 2" ::: "memory");
    return 0;
}

static inline uint8_t *machine_stack(void)
{
    uint8_t *sp;
    __asm volatile("mv %0, sp" : "=r"(sp));
    return sp;
}

#else
#include <stdio.h>

#define MACHINE_FLASH

static inline void machine_begin(void)
{
}

static inline uint16_t machine_end(void)
{
    return 0;
}

static inline void machine_start(void)
{
}

static inline void machine_write(const char *text)
{
    fputs(text, stdout);
}

static inline void machine_stop(void)
{
}
#endif

#if defined MACHINE_IS_BARE && !defined __AVR__
static inline uint8_t *machine_stack_limit(void)
{
    return machine_stack() - STACK_BYTES;
}
#endif

static inline void write_digits(uint32_t number, char sign)
{
    char text[13];
    uint8_t k = sizeof text - 1;
    text[k] = 0;
    text[--k] = ' ';
    do {
        text[--k] = (char)('0' + (char)(number % 10));
        number /= 10;
    } while (number);
    if (sign) text[--k] = sign;
    machine_write(text + k);
}

/* A number and a space. */
static inline void write_number(int32_t number)
{
    if (number < 0) {
        write_digits(0u - (uint32_t)number, '-');
    } else {
        write_digits((uint32_t)number, 0);
    }
}

#endif /* MACHINE_H */
