"""The program on the customer's site: takes orders outbound only, does the work, reports how far it is."""
