"use strict";

require("storage-profiles/policy").start();
