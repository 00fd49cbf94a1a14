module market-data/shm

go 1.21
