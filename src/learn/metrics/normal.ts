/** The 97.5 % quantile of the standard normal distribution: so many standard errors to each side make a 95 % interval. */
export const Z95 = 1.959963984540054;
