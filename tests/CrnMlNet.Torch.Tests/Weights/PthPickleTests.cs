using System.Text;
using CrnMlNet.Torch.Weights;

namespace CrnMlNet.Torch.Tests.Weights;

/// <summary>Pickles written by hand, instruction by instruction (Python's pickletools.py).</summary>
public class PthPickleTests
{
    /// <summary>('storage', torch.FloatStorage, '0', 'cpu', 6) as a persistent id.</summary>
    private const string Storage = "(X\u0007\0\0\0storagectorch\nFloatStorage\nX\u0001\0\0\u00000X\u0003\0\0\0cpuK\u0006tQ";

    /// <summary>Instructions that exist, in a place where they would do harm or at least something.</summary>
    [Theory]
    [InlineData("cos\nsystem\nX\u0002\0\0\0ls\u0085R.", "'os.system'")]
    [InlineData("c__builtin__\neval\n.", "'__builtin__.eval'")]
    [InlineData("X\u0002\0\0\0osX\u0006\0\0\0system\u0093.", "'os.system'")]
    [InlineData("ctorch._utils\n_rebuild_tensor_v2.__globals__\n.", "_rebuild_tensor_v2.__globals__")]
    [InlineData("ctorch\nComplexFloatStorage\n.", "'torch.ComplexFloatStorage'")]
    [InlineData("c\u001b[31m\n\u0007\n.", "\\u001b[31m.\\u0007")]
    [InlineData("ccollections\nOrderedDict\n)\u0081.", "NEWOBJ")]
    [InlineData("(ios\nsystem\n.", "INST")]
    [InlineData("(cos\nsystem\no.", "'os.system'")]
    [InlineData("(o.", "OBJ")]
    [InlineData("P1\n.", "PERSID")]
    [InlineData("\u0082\u0001.", "EXT1")]
    [InlineData("\u008b\u00ff\u00ff\u00ff\u007f.", "LONG4")]
    [InlineData("B\u00ff\u00ff\u00ff\u00ff.", "BINBYTES")]
    [InlineData("\u008f.", "EMPTY_SET")]
    [InlineData("~.", "the byte 126")]
    public void WhatAStateDictionaryDoesNotNeedIsRefusedByName(string pickle, string message) => AssertRefused(pickle, message);

    [Theory]
    [InlineData("", "ends within a pickle")]
    [InlineData("X\u0005\0\0\0ab", "ends within a pickle")]
    [InlineData("X\u00ff\u00ff\u00ff\u00ff", "bytes of text")]
    [InlineData("X\u0001\0\0\0\u00ff.", "not UTF-8")]
    [InlineData("\u0080\u0006.", "protocol 6")]
    [InlineData("0.", "POP")]
    [InlineData(".", "more values than it has made")]
    [InlineData("(.", "more values than it has made")]
    [InlineData("K\u0001(\u0085.", "more values than it has made")]
    [InlineData("t.", "a group that it has not begun")]
    [InlineData("h\u0005.", "recalls the value 5")]
    [InlineData("q\0.", "before it has made one")]
    [InlineData("K\u0001K\u0002a.", "no list")]
    [InlineData("]K\u0001K\u0002s.", "no dictionary")]
    [InlineData("}(K\u0001u.", "a key without a value")]
    [InlineData("})K\u0002s.", "a key that is neither text nor an integer")]
    [InlineData("}NK\u0002s.", "a key that is neither text nor an integer")]
    [InlineData("K\u0001)R.", "no function")]
    [InlineData("ccollections\nOrderedDict\nK\u0001R.", "no tuple")]
    [InlineData("ccollections\nOrderedDict\nK\u0001\u0085R.", "no list")]
    [InlineData("ccollections\nOrderedDict\n]K\u0001a\u0085R.", "no pairs")]
    [InlineData("K\u0001}b.", "no dictionary")]
    [InlineData("K\u0001Q.", "no tuple")]
    [InlineData(")Q.", "no storage")]
    [InlineData("}.", "no tensors")]
    public void DamageIsRefused(string pickle, string message) => AssertRefused(pickle, message);

    /// <summary>The arguments of _rebuild_tensor_v2 behind a storage of six floats.</summary>
    [Theory]
    [InlineData("K\u0001K\u0002K\u0003\u0086K\u0003K\u0001\u0086", "[2, 3] with strides [3, 1] from element 1 on, which is not within its storage of 6")]
    [InlineData("K\0K\u0007\u0085K\u0001\u0085", "[7] with strides [1]")]
    [InlineData("J\u00ff\u00ff\u00ff\u00ffK\u0001\u0085K\u0001\u0085", "from element -1 on")]
    [InlineData("K\0J\u00ff\u00ff\u00ff\u00ff\u0085K\u0001\u0085", "no integer from 0 on")]
    [InlineData("K\0K\u0002\u0085J\u00ff\u00ff\u00ff\u00ff\u0085", "no integer from 0 on")]
    [InlineData("K\0K\u0002\u0085\u008a\u0008\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f\u0085", "which is not within")]
    [InlineData("K\0\u008a\u0008\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f\u0085K\0\u0085", "overflows 64 bits")]
    [InlineData("K\0(\u008a\u0005\0\0\0\0\u0001\u008a\u0005\0\0\0\0\u0001K\0tK\0K\0K\0\u0087", "overflows 64 bits")]
    [InlineData("K\0K\u0002\u0085)", "1 dimensions with 0 strides")]
    [InlineData("K\u0007))", "[] with strides [] from element 7 on")]
    [InlineData("K\u0006))", "[] with strides [] from element 6 on")]
    [InlineData("K\0)K\u0001", "without a storage, an offset, a size and strides")]
    [InlineData("K\0K\u0001\u0085K\u0001\u0085\u0089N}X\u0003\0\0\0negK\u0001s", "conjugated or negated")]
    public void ATensorThatIsNotWithinItsStorageIsRefused(string arguments, string message) =>
        AssertRefused($"}}X\u0001\0\0\0tctorch._utils\n_rebuild_tensor_v2\n({Storage}{arguments}tRs.", message);

    [Fact]
    public void AStorageHasOneTypeAndSize()
    {
        AssertRefused($"({Storage}{Storage.Replace("Float", "Double")}t.", "the storage '0' twice");
        AssertRefused($"({Storage}{Storage.Replace("K\u0006", "K\u0005")}t.", "the storage '0' twice");
        AssertRefused(Storage.Replace("K\u0006", "J\u00ff\u00ff\u00ff\u00ff") + ".", "has -1 elements");
        AssertRefused(Storage.Replace("K\u0006", "\u008a\u0008\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f") + ".", "has 9223372036854775807 elements");
        AssertRefused(Storage.Replace("K\u0006", "K\u0006X\u0001\0\0\0vK\u0005K\u0002\u0087") + ".", "a view of the storage '0' that is not within it");
    }

    [Fact]
    public void ViewsOfOldFilesAreWithinTheirStorage()
    {
        // The view is of the elements 2 to 5, the tensor its second one.
        var view = Storage.Replace("K\u0006", "K\u0006X\u0001\0\0\0vK\u0002K\u0004\u0087");
        var entry = (PthEntry)Read($"}}X\u0001\0\0\0tctorch._utils\n_rebuild_tensor\n({view}K\u0001))tRs.").Entries["t"];
        Assert.Equal((3, 6), (entry.Offset, entry.Storage.FileCount));
        AssertRefused($"ctorch._utils\n_rebuild_tensor\n({view}K\u0004)tR.", "without a storage");
        AssertRefused($"ctorch._utils\n_rebuild_tensor\n({view}K\u0004))tR.", "not within its storage of 4 elements");
    }

    [Fact]
    public void PythonTwosOrderedDictionaryHasItsItemsAsArguments()
    {
        var tensor = $"ctorch._utils\n_rebuild_tensor_v2\n({Storage}K\0K\u0006\u0085K\u0001\u0085tR";
        Assert.Equal(["b", "a"], Read($"ccollections\nOrderedDict\n](](U\u0001b{tensor}e](U\u0001a{tensor}ee\u0085R}}b.").Entries.Keys);
    }

    [Fact]
    public void TheSameNameTwiceIsRefused()
    {
        var tensor = $"ctorch._utils\n_rebuild_tensor_v2\n({Storage}K\0K\u0006\u0085K\u0001\u0085tR";
        AssertRefused($"}}(X\u0003\0\0\0a.b{tensor}X\u0001\0\0\0a}}X\u0001\0\0\0b{tensor}su.", "two tensors named 'a.b'");
    }

    [Fact]
    public void BombsEndAtOnce()
    {
        const string WithoutEnd = "in each other without end";
        // A list in itself; forty lists, each twice in the next; lists ten thousand deep; a name that grows with each.
        AssertRefused("]q\0h\0a.", WithoutEnd);
        AssertRefused("]" + string.Concat(Enumerable.Range(0, 40).Select(i => $"q{(char)i}](h{(char)i}h{(char)i}e")) + ".", WithoutEnd);
        AssertRefused(string.Concat(Enumerable.Repeat("]", 10_000)) + new string('a', 9_999) + ".", WithoutEnd);
        AssertRefused("}q\0X\0\u0001\0\0" + new string('k', 256) + "h\0s.", WithoutEnd);
        AssertRefused(new string('(', 2_000_000), "instructions");
        AssertRefused(new string('}', 2_000_000), "instructions");
        AssertRefused(string.Concat(Enumerable.Repeat("X\0\0\u0010\0" + new string('x', 1 << 20), 9)), "bytes of text");
    }

    private static PthPickle Read(string pickle) => PthPickle.Read(new MemoryStream(Encoding.Latin1.GetBytes(pickle)));

    private static void AssertRefused(string pickle, string message)
    {
        var bytes = Encoding.Latin1.GetBytes(pickle);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains(message, Assert.Throws<FormatException>(() => PthPickle.Read(new MemoryStream(bytes))).Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000_000);
    }
}
