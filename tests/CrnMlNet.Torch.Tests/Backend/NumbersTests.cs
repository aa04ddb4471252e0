using CrnMlNet.Torch.Backend;
using Mono.Cecil;
using Mono.Cecil.Cil;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Tests.Backend;

/// <summary>TorchSharp hands libtorch numbers that the garbage collector may free meanwhile: see <see cref="Numbers"/>.</summary>
public class NumbersTests
{
    [Fact]
    public void TheyAreWhatTheOperatorsSay()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new[] { -2f, 0, 3, 300 });
        var y = tensor(new[] { 1f, 2, 3, 4 });

        Assert.Equal([-1.5f, 0.5f, 3.5f, 300.5f], Values(x.Plus(0.5)));
        Assert.Equal([-1f, 2, 6, 304], Values(x.Plus(y)));
        Assert.Equal([-5f, 0, 7.5f, 750], Values(x.Times(2.5)));
        Assert.Equal([1f, 1, 3, 300], Values(x.AtLeast(1)));
        Assert.Equal([0f, 0, 3, 255], Values(x.Within(0, 255)));
        Assert.Equal([-0.5f, 0, 3, 300], Values(x.LeakyReLU(0.25)));
        Assert.Equal([-2f, 0, 3, 300], Values(x));
        y.Fill(7);
        Assert.Equal([7f, 7, 7, 7], Values(y));

        static float[] Values(Tensor tensor) => tensor.data<float>().ToArray();
    }

    [Fact]
    public void NothingElseLendsLibtorchANumberThatNobodyHolds()
    {
        using var ours = Read(typeof(TorchBackend));
        using var torchSharp = Read(typeof(torch));
        var lending = LendingMethods(torchSharp);

        var lent = from method in MethodsOf(ours)
                   from instruction in method.Body.Instructions
                   where Called(instruction) is { } called && (lending.Contains(called) || (MakesScalar(called) && instruction.Next.OpCode.Code is not
                       (Code.Stloc or Code.Stloc_S or Code.Stloc_0 or Code.Stloc_1 or Code.Stloc_2 or Code.Stloc_3)))
                   select $"{method.DeclaringType.FullName}.{method.Name} uses {Called(instruction)}: use {nameof(Numbers)}, or a Scalar with using";

        Assert.Equal("", string.Join(Environment.NewLine, lent));
        // That the check sees anything at all.
        Assert.Contains(lending, name => name.Contains("Tensor::op_Addition(TorchSharp.torch/Tensor,TorchSharp.torch/Tensor)"));
        Assert.Contains(lending, name => name.Contains("functional::leaky_relu"));
        Assert.Contains(lending, name => name.Contains("Tensor::add_(TorchSharp.Scalar)"));
        Assert.Contains(MethodsOf(ours).SelectMany(method => method.Body.Instructions), instruction => Called(instruction) is { } called && MakesScalar(called));
    }

    /// <summary>TorchSharp's methods that make a scalar of a number, and those that call one of them.</summary>
    private static HashSet<string> LendingMethods(AssemblyDefinition torchSharp)
    {
        var calls = MethodsOf(torchSharp)
            .Where(method => method.DeclaringType.Name is not (nameof(Scalar) or nameof(ScalarExtensionMethods)))
            .ToDictionary(method => method.FullName, method => method.Body.Instructions.Select(Called).OfType<string>().ToHashSet());
        var lending = calls.Where(method => method.Value.Any(MakesScalar)).Select(method => method.Key).ToHashSet();
        while (calls.Where(method => method.Value.Overlaps(lending) && !lending.Contains(method.Key)).Select(method => method.Key).ToList() is { Count: > 0 } callers)
            lending.UnionWith(callers);
        return lending;
    }

    private static bool MakesScalar(string method) => method.Contains($"{typeof(Scalar).FullName}::op_Implicit") || method.Contains($"{typeof(ScalarExtensionMethods).FullName}::{nameof(ScalarExtensionMethods.ToScalar)}");

    private static string? Called(Instruction instruction) => (instruction.Operand as MethodReference)?.GetElementMethod().FullName;

    private static IEnumerable<MethodDefinition> MethodsOf(AssemblyDefinition assembly)
        => assembly.MainModule.GetTypes().SelectMany(type => type.Methods).Where(method => method.HasBody);

    private static AssemblyDefinition Read(Type type) => AssemblyDefinition.ReadAssembly(type.Assembly.Location);
}
