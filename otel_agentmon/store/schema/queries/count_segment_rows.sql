SELECT count() FROM ${TABLE} WHERE SegmentNumber = {number:UInt64}
