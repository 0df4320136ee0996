/* Start of a program on a Cortex-M in QEMU, which loads data into memory itself. */
#include <stdint.h>

extern uint32_t stack_top;
int main(void);
void reset(void);

void reset(void)
{
#ifdef __ARM_FP
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20; /* switch on the unit for floats */
    __asm volatile("dsb\nisb");
#endif
    main();
    for (;;) continue;
}

__attribute__((section(".vectors"), used)) static const void *const vectors[] = {
    &stack_top,
    (const void *)reset,
};
